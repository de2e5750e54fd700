"""Foretell a rollout: the same loop on a simulated cloud that begins as the real one is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..rollout.model import Intent, Observed, Policy
from ..rollout.serial import plan
from ..rollout.steps import Step
from ..rollout.trial import Approval
from .ledger_contract import Record
from .loop import Pace, Planner, Setting
from .memory_ledger import MemoryLedger
from .report import Report
from .series import run
from .simulated import SimulatedCloud
from .simulated_group import Fate
from .simulated_workers import SimulatedWorkers
from .virtual_clock import VirtualClock


@dataclass(frozen=True)
class Durations:
    """What a forecast takes for granted, in seconds."""

    boot: float = 90.0
    drain: float = 30.0
    job: float = 30.0
    migration: float = 30.0
    poll: float = 5.0


class FreeLease:
    """A lease on a world that nobody else can reach."""

    token = 0

    def check(self) -> None:
        """Find it held."""

    def release(self) -> None:
        """Let it go."""


@dataclass(frozen=True)
class Forecast:
    """What a deploy would do: each step with the seconds from the start, and how it would end."""

    steps: tuple[tuple[float, Step], ...]
    report: Report


def forecast(
    observed: Observed,
    intent: Intent,
    policy: Policy,
    durations: Durations | None = None,
    planner: Planner = plan,
) -> Forecast:
    """Return what a deploy would do from what is observed now, if every server comes up."""
    durations = durations or Durations()
    clock = VirtualClock(intent.started)
    cloud = SimulatedCloud(
        clock,
        observed.group,
        fates=lambda launch_config, number: Fate(boot=durations.boot),
        drain=durations.drain,
        workers=SimulatedWorkers(
            tuple(worker.id for worker in observed.workers),
            intent.previous_release,
            durations.job,
            durations.migration,
        ),
        worker_config=observed.worker_config,
    )
    ledger = MemoryLedger()
    ledger.approve(intent.deploy_id, Approval(granted=True, by="whoever is asked", at=intent.started))
    record = Record(intent.deploy_id, "forecast", "", "", intent.target, intent.previous)
    pace = Pace(poll=durations.poll, spread=0.0)
    setting = Setting(cloud, ledger, FreeLease(), clock, policy, pace, planner)
    report = run(setting, replace(record, started=intent.started), intent)
    return Forecast(report.steps, report)
