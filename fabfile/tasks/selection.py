"""Find the deployment and the environment that a task is for, and ask before production is changed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config.naming import nearest
from ..display.asking import ask, somebody_there
from ..errors import UsageError

if TYPE_CHECKING:
    from ..config.environment import Environment
    from ..config.loading import Config
    from .run import Run

DEFAULT_CONFIG = "fabulaws-config.yml"
_SELECTED = "selected_environment"
_CONFIRMED = "confirmed_environments"


@dataclass(frozen=True)
class Session:
    """What tasks of one command line tell the ones after them, kept in the context that Invoke hands on."""

    context: Any

    @property
    def selected(self) -> str:
        """The environment that an environment task named."""
        return str(self.context.get(_SELECTED, ""))

    def select(self, environment: str) -> None:
        self.context[_SELECTED] = environment

    def confirmed(self, environment: str) -> bool:
        """Whether changing this production environment was agreed to already."""
        return environment in self.context.get(_CONFIRMED, ())

    def confirm(self, environment: str) -> None:
        self.context[_CONFIRMED] = [*self.context.get(_CONFIRMED, ()), environment]


def config_path() -> Path:
    """Return where the configuration is: FABULAWS_CONFIG, this folder or one above, or beside Fabscale's checkout."""
    given = os.environ.get("FABULAWS_CONFIG")
    if given:
        return Path(given)
    beside = Path(__file__).resolve().parents[2] / DEFAULT_CONFIG
    here = Path.cwd()
    # As Fabric looks for the fabfile: from anywhere in the project.
    near = (folder / DEFAULT_CONFIG for folder in (here, *here.parents))
    return next((path for path in (*near, beside) if path.exists()), here / DEFAULT_CONFIG)


def read_config() -> Config:
    """Load the configuration; raises `ConfigError` with every problem."""
    from ..config.loading import load  # noqa: PLC0415  (--list does without)
    from .namespace import task_collection  # noqa: PLC0415  (it imports the modules that use this one)

    return load(config_path(), reserved=frozenset(task_collection().tasks))


def agree_to_production(run: Run, session: Session) -> None:
    """Ask before a production environment is changed, once per command line.

    Raises `UsageError` when the answer is no, or when nobody is there and --yes was not given.
    """
    environment = run.environment
    if not environment.production or run.dry_run or session.confirmed(environment.name):
        return
    what = f"run {run.task} on {environment.deployment},{environment.name}"
    if not run.yes:
        if not somebody_there():
            raise UsageError(
                what,
                "it is a production environment and nobody is there to ask",
                "Agree with --yes, or answer=y",
            )
        question = f"{environment.name} is a production environment. Run {run.task} on it? [y/N]"
        if ask(question).lower() not in {"y", "yes"}:
            raise UsageError(what, "the answer was not yes", "Nothing was changed")
    session.confirm(environment.name)


def choose(config: Config, task: str, deployment: str | None, environment: str | None, selected: str) -> Environment:
    """Return the environment that was named on the command line or by an environment task before.

    One name alone may be the environment's, as in fab iam_policy:production. Raises `UsageError`, with the nearest
    names, when none or an unknown one was named.
    """
    if environment is None and deployment in config.environments and deployment not in config.deployments:
        deployment, environment = None, deployment
    for option, value in (("deployment", deployment), ("environment", environment)):
        if value is not None and not value.strip():
            raise UsageError(f"run {task}", f"the {option} is empty", f"Give a name: --{option} NAME")
    name = environment or selected
    known = ", ".join(config.environments)
    if not name:
        raise UsageError(
            f"run {task}",
            "no environment was given",
            f"Say which: fab {task}:{config.default_deployment},ENVIRONMENT or fab ENVIRONMENT {task}; "
            f"environments are {known}",
        )
    project = deployment or config.default_deployment
    if project not in config.deployments:
        raise UsageError(
            f"run {task}",
            f"there is no deployment {project!r}",
            nearest(project, config.deployments, "deployments"),
        )
    if name not in config.environments:
        raise UsageError(
            f"run {task}",
            f"there is no environment {name!r}",
            nearest(name, config.environments, "environments"),
        )
    return config.environment(project, name)
