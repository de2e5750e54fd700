"""An autoscaling group under test: shorthands for what tests ask of it and see of it."""

from __future__ import annotations

from typing import Any

from tests.conformance.cloud import Cloud
from tests.conformance.looking import eventually

HOOK = "ready"


class Group:
    """One group by its name."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self.name = name
        self._cloud = cloud
        self._api = cloud.client("autoscaling")

    def seen(self) -> dict[str, Any]:
        return dict(self._api.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])["AutoScalingGroups"][0])

    def states(self) -> dict[str, str]:
        return {one["InstanceId"]: one["LifecycleState"] for one in self.seen()["Instances"]}

    def ids(self) -> list[str]:
        return list(self.states())

    def zones(self) -> list[str]:
        return sorted(str(one["AvailabilityZone"]) for one in self.seen()["Instances"])

    def desired(self) -> int:
        return int(self.seen()["DesiredCapacity"])

    def activities(self) -> list[dict[str, Any]]:
        return list(self._api.describe_scaling_activities(AutoScalingGroupName=self.name)["Activities"])

    def settled(self, count: int, *, without: str = "") -> list[str]:
        """Wait until exactly this many instances are members, all in service, and answer their ids."""

        def in_service() -> bool:
            states = self.states()
            return len(states) == count and set(states.values()) <= {"InService"} and without not in states

        eventually(self._cloud, in_service, f"{count} instances of {self.name} in service")
        return self.ids()

    def becomes(self, instance: str, state: str) -> None:
        """Wait until an instance has a lifecycle state; "" is gone."""
        eventually(self._cloud, lambda: self.states().get(instance, "") == state, f"{instance} is {state or 'gone'}")

    def update(self, **given: Any) -> None:
        self._api.update_auto_scaling_group(AutoScalingGroupName=self.name, **given)

    def desire(self, capacity: int) -> None:
        self._api.set_desired_capacity(AutoScalingGroupName=self.name, DesiredCapacity=capacity)

    def suspend(self, *processes: str) -> None:
        self._api.suspend_processes(AutoScalingGroupName=self.name, ScalingProcesses=processes)

    def resume(self, *processes: str) -> None:
        self._api.resume_processes(AutoScalingGroupName=self.name, ScalingProcesses=processes)

    def delete(self, *, force: bool) -> None:
        self._api.delete_auto_scaling_group(AutoScalingGroupName=self.name, ForceDelete=force)

    def launch(self, zone: str, count: int = 1) -> dict[str, Any]:
        """Launch into a zone, with the same token every time, which is this group's alone."""
        reply = self._api.launch_instances(
            AutoScalingGroupName=self.name, RequestedCapacity=count, ClientToken=self.name, AvailabilityZones=[zone]
        )
        return dict(reply)

    def terminate(self, instance: str, *, decrement: bool) -> dict[str, Any]:
        reply = self._api.terminate_instance_in_auto_scaling_group(
            InstanceId=instance, ShouldDecrementDesiredCapacity=decrement
        )
        return dict(reply["Activity"])

    def called_unhealthy(self, instance: str) -> None:
        self._api.set_instance_health(InstanceId=instance, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False)

    def hook(self, transition: str = "LAUNCHING", default: str = "ABANDON", timeout: int = 3600) -> None:
        self._api.put_lifecycle_hook(
            LifecycleHookName=HOOK,
            AutoScalingGroupName=self.name,
            LifecycleTransition=f"autoscaling:EC2_INSTANCE_{transition}",
            HeartbeatTimeout=timeout,
            DefaultResult=default,
        )

    def complete(self, instance: str, result: str) -> None:
        self._api.complete_lifecycle_action(
            LifecycleHookName=HOOK,
            AutoScalingGroupName=self.name,
            InstanceId=instance,
            LifecycleActionResult=result,
        )
