"""Tell the environment's markers how a deploy goes: once that it starts, and once how it ended."""

from __future__ import annotations

import os
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from ..errors import FabscaleError, Unreachable, UsageError
from ..markers.occasion import Occasion
from ..markers.telling import Told, concerned, described, tell

if TYPE_CHECKING:
    from .run import Run


class Marking:
    """The markers around one deploy: `with Marking(run) as marking`, and in it `marking.begin(…)`.

    To be entered before the lock is taken, so that who is told of the end doesn't keep others waiting; `begin` comes
    when it is known what will be deployed, and before the environment is changed. What ends before `begin` is told to
    nobody.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._begun: Occasion | None = None

    def __enter__(self) -> Marking:
        return self

    def begin(self, deploy_id: str, launch_config: str, commit: str) -> None:
        """Tell that it starts; raises `UsageError` or `Unreachable` when a required marker fails."""
        failed = self._told_start(deploy_id, launch_config, commit)
        if failed is not None:
            self._begun = None
            raise _refusal(f"run {self._run.task}", failed, "The environment was not changed")

    def begin_anyhow(self, deploy_id: str, launch_config: str, commit: str) -> None:
        """Tell that it starts; no marker keeps anybody from getting back to safety."""
        self._told_start(deploy_id, launch_config, commit)

    def _told_start(self, deploy_id: str, launch_config: str, commit: str) -> Told | None:
        self._begun = occasion_of(self._run, "start", deploy_id=deploy_id, launch_config=launch_config, commit=commit)
        return told(self._run, self._begun)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._begun is None:
            return
        if error is not None:
            told(self._run, replace(self._begun, status="failure", reason=_reason(error)))
            return
        failed = told(self._run, replace(self._begun, status="success"))
        if failed is not None:
            raise _refusal(f"tell {failed.marker.name} of the deploy", failed, "The deploy itself holds")


def occasion_of(run: Run, status: str, *, deploy_id: str = "", launch_config: str = "", commit: str = "") -> Occasion:
    """Return what there is to tell of a task's deploy."""
    place = run.environment
    return Occasion(status, place.deployment, place.name, run.task, deploy_id, commit, launch_config)


def told(run: Run, occasion: Occasion) -> Told | None:
    """Tell the markers of an occasion and say which failed; returns the first required one that did."""
    required = None
    markers = run.environment.markers
    for each in tell(markers, occasion, run.environment.repository, os.environ):
        if each.failure is None:
            run.output.progress(f"told {described(each.marker)} of the {occasion.status}")
            continue
        run.output.warning(f"{each.marker.name} was not told of the {occasion.status}: {each.failure}")
        if each.marker.required and required is None:
            required = each
    return required


def foretell_markers(run: Run) -> None:
    """Print which markers a deploy would tell; nothing where there are none."""
    for status in ("start", "success", "failure"):
        names = [described(marker) for marker in concerned(run.environment.markers, status)]
        if names:
            run.output.result(f"would tell of the {status}: {', '.join(names)}")


def _refusal(what: str, failed: Told, consequence: str) -> FabscaleError:
    assert failed.failure is not None
    kind = UsageError if failed.failure.setup or failed.marker.command else Unreachable
    seen = f"the required marker {failed.marker.name} failed: {failed.failure}"
    return kind(what, seen, f"{consequence}. Mend it, or take `required` from it in fabulaws-config.yml")


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "it was interrupted"
    return str(error) if isinstance(error, FabscaleError) else type(error).__name__
