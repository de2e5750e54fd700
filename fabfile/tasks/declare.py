"""Make Invoke tasks out of plain functions: `@reading` and `@changing`.

    @changing
    def deploy_serial(run: Run, launch_config: str = "", batch: str = "") -> None:
        "Replace every web server, one at a time, without losing a request."

The function gets a `Run`. Its own options follow `deployment` and `environment`, the first two in the classic
form. With `environment=False` the task is for no environment (`fab local_up`), and `run.environment` raises. With
`own_first` its own options come first: it is typed after an environment's task, as in `fab staging managepy:check`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, overload

from invoke.context import Context
from invoke.tasks import Task

from ..config.environment import Environment
from ..display.output import Output, standard_streams
from .clock import SystemClock
from .ending import Ending
from .options import DESCRIPTIONS
from .run import Run
from .selection import Session, agree_to_production, choose, read_config

Function = Callable[..., None]


class Declared(Task):  # type: ignore[type-arg]  # generic over its callable, which callers never see
    """A task of ours: `group` is its heading in `fab --list`; ours get their module's, users' own may name one."""

    group: str
    function: Function


@dataclass(frozen=True)
class Kind:
    """What tasks of one kind can be asked: their shared options and what they do."""

    options: Mapping[str, object]
    changes: bool
    only_with: str = ""  # the option without which a changing task only looks

    def writes(self, given: Mapping[str, Any]) -> bool:
        """Whether a task called so is to change something."""
        return self.changes and (not self.only_with or bool(given[self.only_with]))


@dataclass(frozen=True)
class Shape:
    """A task's kind, whether it is for an environment, and whether its own options come before that."""

    kind: Kind
    environment: bool
    own_first: bool


READING = Kind(options={"json": False}, changes=False)
CHANGING = Kind(options={"dry_run": False, "yes": False, "answer": "", "wait": 600.0}, changes=True)
_PLACE = ("deployment", "environment")


@overload
def reading(function: Function, /) -> Declared: ...
@overload
def reading(
    *, environment: bool = True, group: str = "", help: Mapping[str, str] | None = None, own_first: bool = False
) -> Callable[[Function], Declared]: ...
def reading(
    function: Function | None = None,
    /,
    *,
    environment: bool = True,
    group: str = "",
    help: Mapping[str, str] | None = None,  # noqa: A002  (Invoke's word for it)
    own_first: bool = False,
) -> Declared | Callable[[Function], Declared]:
    """Declare a task that only looks: it takes `--json`, and its clients cannot write."""
    shape = Shape(READING, environment, own_first)
    make = partial(_declare, shape=shape, group=group, described=help or {})
    return make(function) if function is not None else make


@overload
def changing(function: Function, /) -> Declared: ...
@overload
def changing(
    *,
    environment: bool = True,
    group: str = "",
    help: Mapping[str, str] | None = None,
    only_with: str = "",
    own_first: bool = False,
) -> Callable[[Function], Declared]: ...
def changing(
    function: Function | None = None,
    /,
    *,
    environment: bool = True,
    group: str = "",
    help: Mapping[str, str] | None = None,  # noqa: A002  (Invoke's word for it)
    only_with: str = "",
    own_first: bool = False,
) -> Declared | Callable[[Function], Declared]:
    """Declare a task that changes something: it takes `--dry-run`, `--wait`, asks before production.

    With `only_with` it changes something when that option of its own is given, and only looks without.
    """
    shape = Shape(replace(CHANGING, only_with=only_with), environment, own_first)
    make = partial(_declare, shape=shape, group=group, described=help or {})
    return make(function) if function is not None else make


def _declare(function: Function, *, shape: Shape, group: str, described: Mapping[str, str]) -> Declared:
    own = list(inspect.signature(function).parameters.values())[1:]
    place = [_option(name, None) for name in _PLACE] if shape.environment else []
    taken = {parameter.name for parameter in own}
    shared = [_option(name, value) for name, value in shape.kind.options.items() if name not in taken]
    parameters = [*own, *place, *shared] if shape.own_first else [*place, *own, *shared]
    body = _body(function, shape.kind, shape.environment, frozenset(taken))
    body.__signature__ = inspect.Signature([_option("context"), *parameters])  # type: ignore[attr-defined]
    texts = {**DESCRIPTIONS, **described}
    task = Declared(
        body,
        positional=[],
        auto_shortflags=False,
        help={parameter.name: texts[parameter.name] for parameter in parameters if parameter.name in texts},
    )
    task.group = group
    task.function = function
    return task


def _body(function: Function, kind: Kind, for_environment: bool, own: frozenset[str]) -> Function:
    name = function.__name__

    def body(context: Context, **given: Any) -> None:
        clock = SystemClock()
        output = Output(standard_streams(), clock.now)
        ending = Ending(output)
        with ending:
            run = Run(
                task=name,
                output=output,
                clock=clock,
                read_config=read_config,
                selected=_selected(context, name, given) if for_environment else None,
                changes=kind.writes(given),
                json=bool(given.get("json", False)),
                dry_run=bool(given.get("dry_run", False)),
                yes=bool(given.get("yes", False)) or str(given.get("answer", "")).lower() in {"y", "yes"},
                wait=float(given.get("wait", 0.0)),
            )
            ending.run = run
            if run.changes and run.selected is not None:
                agree_to_production(run, Session(context))
            function(run, **{key: given[key] for key in own})

    body.__name__ = name
    body.__doc__ = function.__doc__
    body.__module__ = function.__module__
    return body


def _selected(context: Context, task: str, given: Mapping[str, Any]) -> Environment:
    return choose(read_config(), task, given["deployment"], given["environment"], Session(context).selected)


def _option(name: str, default: object = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)
