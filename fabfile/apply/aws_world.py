"""A world that is an AWS account, or the embedded cloud: what the loop sees and changes there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from ..aws import autoscaling, elb, elbv2
from ..aws.autoscaling import GroupRecord
from ..aws.session import Aws
from ..aws.translate import Refused, Throttled
from ..balancers.contract import Balancer
from ..rollout.model import (
    Deregister,
    Group,
    Health,
    InstallRelease,
    Intent,
    LaunchInstances,
    Member,
    Observed,
    Order,
    ResumeProcesses,
    RunMigrations,
    SaveEvidence,
    SetMaximum,
    StartWorker,
    Step,
    StopWorker,
    SuspendProcesses,
    SwitchLaunchConfig,
    TargetState,
    Terminate,
    Worker,
)
from .world import Outcome

# Refusals that say that the group is not as it was seen: the next look explains them.
_PASSING = frozenset(
    {
        "ValidationError",
        "ScalingActivityInProgress",
        "ScalingActivityInProgressFault",
        "ResourceContention",
        "ResourceContentionFault",
        "IdempotentCallInProgress",
        "IdempotentCallInProgressFault",
        "IdempotentParameterMismatch",
        "IdempotentParameterMismatchError",
        "ResourceInUse",
        "LimitExceeded",
    }
)


class Workers(Protocol):
    """The environment's workers."""

    def observe(self, release: str) -> tuple[Worker, ...]: ...

    def apply(self, step: StopWorker | InstallRelease | RunMigrations | StartWorker) -> Outcome: ...


class Evidence(Protocol):
    """Who can say why instances failed."""

    def gather(self, instances: tuple[str, ...]) -> tuple[str, ...]: ...


class AwsWorld:
    """One autoscaling group, its balancers and the environment's workers.

    A look takes one call for the group, one for each of its balancers, and one to find the workers.
    `others` are the balancers that the group does not know, by name.
    """

    def __init__(
        self,
        aws: Aws,
        group: str,
        workers: Workers,
        evidence: Evidence,
        others: Mapping[str, Balancer] | None = None,
    ) -> None:
        self._aws = aws
        self._group = group
        self._workers = workers
        self._evidence = evidence
        self._others = others or {}

    def observe(self, intent: Intent) -> Observed:
        """Look at everything; workers only when this deploy is about them."""
        group = self.observe_group()
        wanted = bool(intent.release) and intent.order is not Order.NEVER
        return Observed(group, self._workers.observe(intent.release) if wanted else ())

    def observe_group(self) -> Group:
        """Look at the group with its members and their state in every balancer."""
        record = autoscaling.describe_group(self._aws, self._group)
        states = {**self._known(record), **{name: each.states() for name, each in self._others.items()}}
        members = tuple(
            replace(member, targets=tuple(self._target(name, states[name], member) for name in states))
            for member in record.group.members
        )
        return replace(record.group, members=members, balancers=tuple(states))

    def apply(self, step: Step) -> Outcome:
        """Take a step; a refusal that the next look explains is an outcome, any other is raised."""
        try:
            return self._apply(step)
        except Refused as error:
            if isinstance(error, Throttled) or error.code in _PASSING:
                return Outcome(refusal=f"{error.code}: {error.message}")
            raise

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
                return self._workers.apply(step)
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
            case SuspendProcesses():
                autoscaling.suspend_processes(self._aws, self._group, step.processes)
            case ResumeProcesses():
                autoscaling.resume_processes(self._aws, self._group, step.processes)
            case SetMaximum():
                autoscaling.set_maximum(self._aws, self._group, step.maximum)
            case _:
                raise TypeError(f"{type(step).__name__} is nothing to apply")

    def _known(self, record: GroupRecord) -> dict[str, Mapping[str, TargetState]]:
        targets = {elbv2.target_group_name(arn): elbv2.target_health(self._aws, arn) for arn in record.target_groups}
        classic = {name: elb.instance_health(self._aws, name) for name in record.classic_balancers}
        return {**targets, **classic}

    def _target(self, balancer: str, states: Mapping[str, TargetState], member: Member) -> TargetState:
        state = states.get(member.id, TargetState(balancer, Health.ABSENT))
        return replace(state, by_group=balancer not in self._others)
