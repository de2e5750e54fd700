"""A cloud in memory, under a virtual clock: for forecasts and for tests of whole rollouts.

It behaves as AWS does where a rollout depends on it: reads lag behind, replies get lost, and what is asked for is
refused when AWS would refuse it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ..errors import Unreachable
from ..rollout.model import Group, Health, Intent, Lifecycle, Observed
from ..rollout.steps import (
    AskForApproval,
    Deregister,
    InstallRelease,
    LaunchInstances,
    LookAtTraffic,
    ResumeProcesses,
    RunMigrations,
    SaveEvidence,
    SetMaximum,
    SetSizes,
    StartWorker,
    Step,
    StopWorker,
    SuspendProcesses,
    SwitchLaunchConfig,
    SwitchWorkerConfig,
    Terminate,
)
from ..rollout.workers import who_migrates
from .simulated_group import Fates, SimulatedGroup, healthy
from .simulated_traffic import SimulatedTraffic
from .simulated_workers import SimulatedWorkers
from .world import Clock, Outcome


@dataclass(frozen=True)
class Weather:
    """How the way to the cloud is: calls are numbered from 1, looks and changes together."""

    read_lag: float = 0.0  # seconds that reads are behind
    lost_replies: Collection[int] = ()  # the call takes effect, its reply does not arrive
    out_of_reach: Collection[int] = ()  # the call does not arrive


class SimulatedCloud:
    """A world of one group and some workers. `calls` counts looks and changes."""

    def __init__(
        self,
        clock: Clock,
        group: Group,
        *,
        fates: Fates = healthy,
        drain: float = 20.0,
        workers: SimulatedWorkers | None = None,
        weather: Weather | None = None,
        capacity: int | None = None,
        worker_config: str = "",
        failing: Mapping[str, float] | None = None,
    ) -> None:
        self.simulated = SimulatedGroup(group, fates, drain, clock.now())
        self.workers = workers or SimulatedWorkers()
        self.weather = weather or Weather()
        self.calls = 0
        self.applied: list[Step] = []
        self._clock = clock
        self.worker_config = worker_config  # what the workers' group launches; "" where there is none
        self._capacity = capacity  # servers that the zones have room for
        self._traffic = SimulatedTraffic(failing or {})
        self._tokens: dict[str, tuple[str, ...]] = {}
        self._past: deque[tuple[float, Group]] = deque([(clock.now(), self.simulated.group())])

    def now_is(self) -> Group:
        """Return the group as it truly is now, without lag, and uncounted."""
        self.simulated.advance(self._clock.now())
        return self.simulated.group()

    def observe(self, intent: Intent) -> Observed:
        """Look at the group, as it was `read_lag` seconds ago, and at the workers."""
        self.calls += 1
        if self.calls in self.weather.out_of_reach or self.calls in self.weather.lost_replies:
            raise Unreachable("describe the group", "no answer")
        now = self._clock.now()
        group = self.now_is() if not self.weather.read_lag else self._lagging(now)
        chosen = who_migrates(group, intent) if intent.release and not intent.migrated else ""
        return Observed(
            group,
            self.workers.seen(intent.release, now),
            worker_config=self.worker_config,
            migrator=self.workers.server(chosen, intent.release, now) if chosen else None,
        )

    def _lagging(self, now: float) -> Group:
        self._remember()
        while len(self._past) > 1 and self._past[1][0] <= now - self.weather.read_lag:
            self._past.popleft()
        return self._past[0][1]

    def _remember(self) -> None:
        if self.weather.read_lag:
            group = self.now_is()
            if group != self._past[-1][1]:
                self._past.append((self._clock.now(), group))

    def apply(self, step: Step) -> Outcome:
        """Change the cloud, or refuse as AWS would."""
        self.calls += 1
        if self.calls in self.weather.out_of_reach:
            raise Unreachable("change the group", "no answer")
        self.simulated.advance(self._clock.now())
        outcome = self._change(step)
        self.simulated.reconcile()
        self._remember()
        if not outcome.refusal:
            self.applied.append(step)
        if self.calls in self.weather.lost_replies:
            raise Unreachable("change the group", "the reply was lost")
        return outcome

    def _change(self, step: Step) -> Outcome:
        match step:
            case LaunchInstances():
                return self._launch(step)
            case Terminate():
                return self._terminate(step)
            case SaveEvidence():
                return Outcome(evidence=tuple(f"{name}: simulated" for name in step.instances))
            case StopWorker() | InstallRelease() | RunMigrations() | StartWorker():
                self._change_worker(step)
            case LookAtTraffic():
                return Outcome(traffic=self._traffic.look(step, self.simulated.members))
            case AskForApproval():
                pass
            case SetSizes():
                return self._set_sizes(step)
            case _:
                self._change_settings(step)
        return Outcome()

    def _change_settings(self, step: Step) -> None:
        group = self.simulated
        match step:
            case SwitchLaunchConfig():
                group.launch_config = step.launch_config
            case SwitchWorkerConfig():
                self.worker_config = step.launch_config
            case SuspendProcesses():
                group.suspended |= step.processes
            case ResumeProcesses():
                group.suspended -= step.processes
            case SetMaximum():
                group.maximum = step.maximum
                group.desired = min(group.desired, step.maximum)
            case Deregister():
                self._deregister(step)

    def _set_sizes(self, step: SetSizes) -> Outcome:
        group = self.simulated
        minimum = group.minimum if step.minimum is None else step.minimum
        maximum = group.maximum if step.maximum is None else step.maximum
        if not minimum <= step.desired <= maximum:
            return Outcome(refusal=f"desired capacity {step.desired} is not between {minimum} and {maximum}")
        group.minimum, group.maximum, group.desired = minimum, maximum, step.desired
        return Outcome()

    def _change_worker(self, step: Step) -> None:
        match step:
            case StopWorker():
                self.workers.stop(step.worker, self._clock.now())
            case InstallRelease():
                self.workers.install(step.worker, step.release)
            case RunMigrations():
                self.workers.migrate(step.worker, step.release, self._clock.now())
            case StartWorker():
                self.workers.start(step.worker, step.release)

    def _launch(self, step: LaunchInstances) -> Outcome:
        group, launch = self.simulated, step.launch
        if launch.token in self._tokens:
            return Outcome(ids=self._tokens[launch.token])
        if "Launch" in group.suspended:
            return Outcome(refusal="Launch is suspended")
        if group.desired + launch.count > group.maximum:
            return Outcome(refusal=f"desired capacity would exceed MaxSize {group.maximum}")
        if self._capacity is not None and len(group.members) + launch.count > self._capacity:
            return Outcome(refusal=f"InsufficientInstanceCapacity in {launch.zone}")
        before = group.desired
        group.desired += launch.count
        ids = tuple(group.launch(launch.zone) for _ in range(launch.count))
        group.ours.extend(ids)
        self._tokens[launch.token] = ids
        return Outcome(ids=ids, desired_from=before)

    def _terminate(self, step: Terminate) -> Outcome:
        group = self.simulated
        member = group.members.get(step.instance)
        if member is None or member.lifecycle is Lifecycle.LEAVING:
            return Outcome(refusal=f"{step.instance} is not in the group")
        before = group.desired
        if step.decrement:
            if before - 1 < group.minimum:
                return Outcome(refusal=f"desired capacity would fall below MinSize {group.minimum}")
            group.desired -= 1
        group.terminate(step.instance)
        return Outcome(desired_from=before if step.decrement else None)

    def _deregister(self, step: Deregister) -> None:
        group = self.simulated
        member = group.members.get(step.instance)
        if member is not None:
            targets = tuple(
                replace(target, health=Health.ABSENT) if target.balancer in step.balancers else target
                for target in member.targets
            )
            group.members[step.instance] = replace(member, targets=targets)
