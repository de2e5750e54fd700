"""The embedded cloud of this checkout: start it, look at it, end it. They are for no environment."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..config.environment import LocalTimes, Provider
from .declare import reading
from .selection import config_path

if TYPE_CHECKING:
    from .run import Run


@reading(environment=False)
def local_up(run: Run) -> None:
    """Start the embedded cloud, if it isn't up: AWS's API on loopback, with real servers behind it."""
    from ..localcloud.lifecycle import ensure_running, status  # noqa: PLC0415  (`fab --list` needs names only)

    state = _state()
    if status(state).state == "down":
        run.output.progress("starting the embedded cloud")
    endpoint = ensure_running(state, _times(run))
    if run.json:
        run.output.json(asdict(status(state)))
    else:
        run.output.result(f"the embedded cloud is up: {endpoint}")


@reading(environment=False)
def local_down(run: Run) -> None:
    """End the embedded cloud and everything in it: instances, databases, releases. Nothing is left behind."""
    from ..localcloud.lifecycle import down  # noqa: PLC0415

    existed = down(_state())
    if run.json:
        run.output.json({"ended": existed})
    else:
        run.output.result("the embedded cloud is gone" if existed else "there was no embedded cloud")


@reading(environment=False)
def local_status(run: Run) -> None:
    """Say whether the embedded cloud is up, where, since when, and with which versions."""
    from ..localcloud.lifecycle import status  # noqa: PLC0415

    found = status(_state())
    if run.json:
        run.output.json(asdict(found))
        return
    facts = {name: value for name, value in asdict(found).items() if value}
    run.output.result("\n".join(f"{name.replace('_', ' ')}: {_shown(value)}" for name, value in facts.items()))


def _state() -> Path:
    """Return the checkout's `.fab/`, whether or not its config can be read."""
    return config_path().resolve().parent / ".fab"


def _times(run: Run) -> LocalTimes | None:
    """Return how slow the first local environment of the config wants the cloud to be."""
    for deployment in run.config.deployments:
        for name in run.config.environments:
            environment = run.config.environment(deployment, name)
            if environment.provider is Provider.LOCAL:
                return environment.local
    return None


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return str(value)
