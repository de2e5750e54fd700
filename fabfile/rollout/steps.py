"""The steps of a rollout: what can be done to the world, each with its reason; and the plan that holds them.

A step says what is wanted and changes nothing: `apply.world` takes it, `notes` writes into the intent that it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Intent, Launch
from .wish import Sizes


@dataclass(frozen=True)
class Step:
    """One thing to do, why, and when it was decided."""

    reason: str
    at: float = field(default=0.0, kw_only=True)


@dataclass(frozen=True)
class SwitchLaunchConfig(Step):
    """Point the group at a launch config, for what autoscaling launches from now on."""

    launch_config: str


@dataclass(frozen=True)
class SuspendProcesses(Step):
    """Suspend scaling processes; what was suspended before is in the intent."""

    processes: frozenset[str]


@dataclass(frozen=True)
class ResumeProcesses(Step):
    """Resume scaling processes that we suspended."""

    processes: frozenset[str]


@dataclass(frozen=True)
class SetMaximum(Step):
    """Set MaxSize, to make room for surge or to take it back."""

    maximum: int


@dataclass(frozen=True)
class SetSizes(Step):
    """Set desired capacity, and limits unless None, in one call, as an operator asked for."""

    desired: int  # what the group is told: `wanted` and the surge
    minimum: int | None
    maximum: int | None
    wanted: int
    most: int  # MaxSize once the surge is over
    seen: int  # desired capacity when this was decided
    seen_maximum: int  # MaxSize then
    before: Sizes


@dataclass(frozen=True)
class LaunchInstances(Step):
    """Launch surge in one zone; desired capacity rises by as many. Idempotent by its token."""

    launch: Launch


@dataclass(frozen=True)
class Deregister(Step):
    """Take an instance out of balancers that its group does not know."""

    instance: str
    balancers: tuple[str, ...]


@dataclass(frozen=True)
class Terminate(Step):
    """Terminate an instance; its group deregisters and drains it first."""

    instance: str
    decrement: bool
    replaces: bool = True  # an old server gives way to a new one


@dataclass(frozen=True)
class StopWorker(Step):
    """Let a worker finish its running job and take no other."""

    worker: str


@dataclass(frozen=True)
class InstallRelease(Step):
    """Put a release on a worker, beside the one that it runs."""

    worker: str
    release: str


@dataclass(frozen=True)
class RunMigrations(Step):
    """Start a release's migrations on one worker, detached, under the database's lock."""

    worker: str
    release: str


@dataclass(frozen=True)
class StartWorker(Step):
    """Start a worker on a release that is installed on it."""

    worker: str
    release: str


@dataclass(frozen=True)
class SwitchWorkerConfig(Step):
    """Point the workers' group at a launch config, for the workers that it launches from now on."""

    launch_config: str


@dataclass(frozen=True)
class SaveEvidence(Step):
    """Gather why instances failed (activities, target health, console, application log) before they go."""

    instances: tuple[str, ...]


@dataclass(frozen=True)
class LookAtTraffic(Step):
    """Ask canaries and old servers for pages, and count what fails. Changes nothing."""

    canaries: tuple[str, ...]
    old: tuple[str, ...]


@dataclass(frozen=True)
class AskForApproval(Step):
    """Write down that a person has to say whether to go on; nothing else is changed."""


@dataclass(frozen=True)
class Wait(Step):
    """Nothing to do but look again: what is waited for, since when, until when."""

    since: float
    until: float | None = None


@dataclass(frozen=True)
class Converged(Step):
    """Nothing is left to do: the intent holds as seen."""


@dataclass(frozen=True)
class Stopped(Step):
    """The deploy failed, what could be put back is back; `reason` says why it failed."""

    safe: bool = True


@dataclass(frozen=True)
class Plan:
    """The next steps, and the intent to record before the first of them is taken.

    The intent already counts the steps as taken; `notes.undone` takes one back that was not.
    """

    intent: Intent
    steps: tuple[Step, ...] = field(default=())
