"""A world that is an AWS account, or the embedded cloud: what the loop sees and changes there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from ..aws import autoscaling
from ..aws.autoscaling import GroupRecord
from ..aws.session import Aws
from ..aws.translate import Refused, Throttled, Uncertain
from ..balancers.contract import Balancer
from ..balancers.of_group import balancers_of
from ..rollout import trial
from ..rollout.model import Group, Health, Intent, Member, Observed, Order, TargetState, Worker
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
from .launch_configs import holds_back
from .traffic import NoTraffic, Traffic, total
from .workers import SeenWorkers
from .world import Outcome

# The first call with a launch's token goes on, or may have done so: the launch must not be taken for refused.
_UNDECIDED = frozenset({"IdempotentCallInProgress", "IdempotentCallInProgressFault"})


class Workers(Protocol):
    """The environment's workers."""

    def observe(self, release: str) -> SeenWorkers: ...

    def apply(self, step: StopWorker | InstallRelease | RunMigrations | StartWorker) -> Outcome: ...


class Migrator(Protocol):
    """The web server that migrates where there are no workers."""

    def observe(self, group: Group, intent: Intent) -> Worker | None: ...

    def apply(self, step: StopWorker | InstallRelease | RunMigrations | StartWorker) -> Outcome: ...


class Evidence(Protocol):
    """Who can say why instances failed."""

    def gather(self, instances: tuple[str, ...]) -> tuple[str, ...]: ...


class AwsWorld:
    """One autoscaling group, its balancers and the environment's workers.

    A look takes one call for the group, one for each of its balancers, and one to find the workers.
    Where there are no workers, `migrator` takes their steps.
    `others` are the balancers that the group does not know, by name; `worker_group` is "" where there is none.
    """

    def __init__(
        self,
        aws: Aws,
        group: str,
        workers: Workers,
        evidence: Evidence,
        *,
        traffic: Traffic | None = None,
        others: Mapping[str, Balancer] | None = None,
        worker_group: str = "",
        migrator: Migrator | None = None,
    ) -> None:
        self._aws = aws
        self._group = group
        self._workers = workers
        self._evidence = evidence
        self._traffic = traffic or NoTraffic()
        self._others = others or {}
        self._worker_group = worker_group
        self._migrator = migrator

    @property
    def group(self) -> str:
        """The group's name."""
        return self._group

    def observe(self, intent: Intent) -> Observed:
        """Look at everything; workers only when this deploy is about them."""
        if not intent.release or intent.order is Order.NEVER:
            return Observed(self.observe_group())
        record, worker_group = autoscaling.describe_groups(self._aws, self._group, self._worker_group)
        group = self._seen(record)
        seen = self._workers.observe(intent.release)
        return Observed(
            group,
            seen.workers,
            seen.unseen,
            worker_group.desired if worker_group else 0,
            worker_group.launch_config if worker_group else "",
            migrator=self._migrator.observe(group, intent) if self._migrator else None,
        )

    def observe_group(self) -> Group:
        """Look at the group with its members and their state in every balancer."""
        return self._seen(autoscaling.describe_group(self._aws, self._group))

    def gated(self) -> bool:
        """Whether the group's launch hook holds new servers back until they say that they are healthy."""
        return holds_back(self._aws, self._group)

    def _seen(self, record: GroupRecord) -> Group:
        known = {each.name: each for each in balancers_of(self._aws, record)}
        states = {name: each.states() for name, each in {**known, **self._others}.items()}
        members = tuple(
            replace(member, targets=tuple(self._target(name, states[name], member) for name in states))
            for member in record.group.members
        )
        return replace(record.group, members=members, balancers=tuple(states))

    def apply(self, step: Step) -> Outcome:
        """Take a step; what AWS refuses is an outcome, so that the deploy looks again and, in the end, goes back."""
        try:
            return self._apply(step)
        except Refused as error:
            launching = isinstance(step, LaunchInstances)
            if launching and (isinstance(error, Throttled) or error.code in _UNDECIDED):
                raise Uncertain(error.cannot, error.seen) from error
            return Outcome(refusal=f"{error.code}: {error.message}")

    def _apply(self, step: Step) -> Outcome:
        match step:
            case LaunchInstances():
                launched = autoscaling.launch_instances(self._aws, self._group, step.launch)
                return Outcome(ids=launched.ids, refusal=launched.refusal)
            case Terminate():
                desired = autoscaling.terminate(self._aws, step.instance, step.decrement)
                return Outcome(desired_from=desired)
            case SaveEvidence():
                return Outcome(evidence=self._evidence.gather(step.instances))
            case StopWorker() | InstallRelease() | RunMigrations() | StartWorker():
                return (self._migrator or self._workers).apply(step)
            case LookAtTraffic():
                seen = self._traffic.look([*step.canaries, *step.old])
                return Outcome(traffic=trial.Traffic(total(seen, step.canaries), total(seen, step.old)))
            case AskForApproval():
                pass  # the note in the ledger is all of it
            case Deregister():
                for name in step.balancers:
                    self._others[name].deregister([step.instance])
            case _:
                self._change_settings(step)
        return Outcome()

    def _change_settings(self, step: Step) -> None:
        match step:
            case SwitchLaunchConfig():
                autoscaling.switch_launch_config(self._aws, self._group, step.launch_config)
            case SwitchWorkerConfig():
                autoscaling.switch_launch_config(self._aws, self._worker_group, step.launch_config)
            case SuspendProcesses():
                autoscaling.suspend_processes(self._aws, self._group, step.processes)
            case ResumeProcesses():
                autoscaling.resume_processes(self._aws, self._group, step.processes)
            case SetMaximum():
                autoscaling.set_maximum(self._aws, self._group, step.maximum)
            case SetSizes():
                autoscaling.set_sizes(self._aws, self._group, step.desired, step.minimum, step.maximum)
            case _:
                raise TypeError(f"{type(step).__name__} is nothing to apply")

    def _target(self, balancer: str, states: Mapping[str, TargetState], member: Member) -> TargetState:
        state = states.get(member.id, TargetState(balancer, Health.ABSENT))
        return replace(state, by_group=balancer not in self._others)
