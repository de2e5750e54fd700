"""The autoscaling API: requests in AWS's parameters, answers in AWS's shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from .autoscaling import Autoscaling
from .groups import PROCESSES, tags_from
from .members import Members
from .refusal import Refusal, invalid

PAGES = {
    "groups": (50, 100),
    "instances": (50, 50),
    "activities": (100, 100),
    "policies": (50, 100),
    "configurations": (50, 100),
}


class AutoscalingApi(AutoScalingResponse):
    """Parse, call, answer. What is not here is moto's."""

    groups: ClassVar[Autoscaling]
    ones: ClassVar[Members]

    def _name(self) -> str:
        return str(self._get_param("AutoScalingGroupName"))

    def _ids(self) -> list[str]:
        return list(self._get_param("InstanceIds") or ())

    def _flag(self, name: str, *, default: bool = False) -> bool:
        return bool(self._get_bool_param(name, default))

    def _page(self, kind: str, items: Sequence[Any]) -> tuple[list[Any], str | None]:
        """One page of items: the token is the position of the next one."""
        default, most = PAGES[kind]
        size = int(self._get_param("MaxRecords") or default)
        if not 1 <= size <= most:
            raise invalid(f"MaxRecords must be between 1 and {most}")
        token = str(self._get_param("NextToken") or "0")
        if not token.isdigit() or int(token) > len(items):
            raise Refusal("InvalidNextToken", f"The NextToken value is not valid: {token}")
        start = int(token)
        more = str(start + size) if start + size < len(items) else None
        return list(items[start : start + size]), more

    # Groups

    def create_auto_scaling_group(self) -> ActionResult:
        params = self._get_params()
        group = self.groups.create(self._name(), params)
        for hook in params.get("LifecycleHookSpecificationList") or ():
            self.ones.put_hook(group.name, hook)
        return EmptyResult()

    def update_auto_scaling_group(self) -> ActionResult:
        self.groups.update(self._name(), self._get_params())
        return EmptyResult()

    def delete_auto_scaling_group(self) -> ActionResult:
        self.groups.delete(self._name(), force=self._flag("ForceDelete"))
        return EmptyResult()

    def describe_auto_scaling_groups(self) -> ActionResult:
        names = list(self._get_param("AutoScalingGroupNames") or ())
        chosen = [group for group in self.groups.groups.values() if not names or group.name in names]
        for one in self._get_param("Filters") or ():
            chosen = [group for group in chosen if _matches(group.tags, one["Name"], one.get("Values") or ())]
        page, more = self._page("groups", chosen)
        documents = [group.document() for group in page]
        return ActionResult({"AutoScalingGroups": documents, "NextToken": more})

    def describe_auto_scaling_instances(self) -> ActionResult:
        asked = self._ids()
        chosen = [
            member.document(group.name)
            for group in self.groups.groups.values()
            for member in group.members.values()
            if not asked or member.id in asked
        ]
        page, more = self._page("instances", chosen)
        return ActionResult({"AutoScalingInstances": page, "NextToken": more})

    def set_desired_capacity(self) -> ActionResult:
        self.groups.set_desired(self._name(), int(self._get_param("DesiredCapacity")))
        return EmptyResult()

    def suspend_processes(self) -> ActionResult:
        self.groups.suspend(self._name(), self._get_param("ScalingProcesses") or ())
        return EmptyResult()

    def resume_processes(self) -> ActionResult:
        self.groups.resume(self._name(), self._get_param("ScalingProcesses") or ())
        return EmptyResult()

    def describe_scaling_activities(self) -> ActionResult:
        found = self.groups.activities(self._get_param("AutoScalingGroupName"), self._get_param("ActivityIds") or ())
        page, more = self._page("activities", found)
        return ActionResult({"Activities": page, "NextToken": more})

    def describe_scaling_process_types(self) -> ActionResult:
        return ActionResult({"Processes": [{"ProcessName": name} for name in PROCESSES]})

    # Launch configurations

    def create_launch_configuration(self) -> ActionResult:
        self.groups.launcher.configurations.create(self._get_params())
        return EmptyResult()

    def describe_launch_configurations(self) -> ActionResult:
        found = self.groups.launcher.configurations.chosen(self._get_param("LaunchConfigurationNames") or ())
        page, more = self._page("configurations", found)
        return ActionResult({"LaunchConfigurations": page, "NextToken": more})

    def delete_launch_configuration(self) -> ActionResult:
        name = str(self._get_param("LaunchConfigurationName"))
        users = [group.name for group in self.groups.groups.values() if group.configuration == name]
        self.groups.launcher.configurations.delete(name, users)
        return EmptyResult()

    # Members

    def launch_instances(self) -> ActionResult:
        return ActionResult(self.ones.launch(self._name(), dict(self._get_params())))

    def terminate_instance_in_auto_scaling_group(self) -> ActionResult:
        decrement = self._flag("ShouldDecrementDesiredCapacity")
        return ActionResult({"Activity": self.ones.terminate(self._get_param("InstanceId"), decrement=decrement)})

    def set_instance_health(self) -> ActionResult:
        self.ones.set_health(
            self._get_param("InstanceId"),
            self._get_param("HealthStatus"),
            respect_grace=self._flag("ShouldRespectGracePeriod", default=True),
        )
        return EmptyResult()

    def set_instance_protection(self) -> ActionResult:
        self.ones.protect(self._name(), self._ids(), protected=self._flag("ProtectedFromScaleIn"))
        return EmptyResult()

    def enter_standby(self) -> ActionResult:
        decrement = self._flag("ShouldDecrementDesiredCapacity")
        return ActionResult({"Activities": self.ones.enter_standby(self._name(), self._ids(), decrement=decrement)})

    def exit_standby(self) -> ActionResult:
        return ActionResult({"Activities": self.ones.exit_standby(self._name(), self._ids())})

    def attach_instances(self) -> ActionResult:
        self.ones.attach(self._name(), self._ids())
        return EmptyResult()

    def detach_instances(self) -> ActionResult:
        decrement = self._flag("ShouldDecrementDesiredCapacity")
        return ActionResult({"Activities": self.ones.detach(self._name(), self._ids(), decrement=decrement)})

    # Lifecycle hooks

    def put_lifecycle_hook(self) -> ActionResult:
        self.ones.put_hook(self._name(), self._get_params())
        return EmptyResult()

    def delete_lifecycle_hook(self) -> ActionResult:
        self.ones.delete_hook(self._name(), str(self._get_param("LifecycleHookName")))
        return EmptyResult()

    def describe_lifecycle_hooks(self) -> ActionResult:
        names = list(self._get_param("LifecycleHookNames") or ())
        hooks = [
            {
                "LifecycleHookName": hook.name,
                "AutoScalingGroupName": self._name(),
                "LifecycleTransition": hook.transition,
                "NotificationTargetARN": hook.target,
                "RoleARN": hook.role,
                "NotificationMetadata": hook.metadata,
                "HeartbeatTimeout": int(hook.timeout),
                "GlobalTimeout": int(hook.global_timeout),
                "DefaultResult": hook.default,
            }
            for hook in self.groups.group(self._name()).hooks.values()
            if not names or hook.name in names
        ]
        return ActionResult({"LifecycleHooks": hooks})

    def complete_lifecycle_action(self) -> ActionResult:
        self.ones.complete(*self._wait(), str(self._get_param("LifecycleActionResult")))
        return EmptyResult()

    def record_lifecycle_action_heartbeat(self) -> ActionResult:
        self.ones.heartbeat(*self._wait())
        return EmptyResult()

    def _wait(self) -> tuple[str, str, str, str]:
        """Which wait a request means: group, hook, and the instance or the token."""
        instance, token = self._get_param("InstanceId") or "", self._get_param("LifecycleActionToken") or ""
        return self._name(), str(self._get_param("LifecycleHookName")), instance, token

    # Balancers

    def attach_load_balancer_target_groups(self) -> ActionResult:
        self.groups.attach_balancers(self._name(), self._get_param("TargetGroupARNs") or (), ())
        return EmptyResult()

    def detach_load_balancer_target_groups(self) -> ActionResult:
        self.groups.detach_balancers(self._name(), self._get_param("TargetGroupARNs") or (), ())
        return EmptyResult()

    def attach_load_balancers(self) -> ActionResult:
        self.groups.attach_balancers(self._name(), (), self._get_param("LoadBalancerNames") or ())
        return EmptyResult()

    def detach_load_balancers(self) -> ActionResult:
        self.groups.detach_balancers(self._name(), (), self._get_param("LoadBalancerNames") or ())
        return EmptyResult()

    def describe_load_balancer_target_groups(self) -> ActionResult:
        state = "InService" if self.groups.settled(self.groups.group(self._name())) else "Added"
        arns = self.groups.group(self._name()).target_groups
        found = [{"LoadBalancerTargetGroupARN": arn, "State": state} for arn in arns]
        return ActionResult({"LoadBalancerTargetGroups": found})

    def describe_load_balancers(self) -> ActionResult:
        state = "InService" if self.groups.settled(self.groups.group(self._name())) else "Added"
        names = self.groups.group(self._name()).balancers
        return ActionResult({"LoadBalancers": [{"LoadBalancerName": name, "State": state} for name in names]})

    # Tags

    def create_or_update_tags(self) -> ActionResult:
        for tag in self._get_param("Tags") or ():
            self.groups.group(str(tag["ResourceId"])).tags.update(tags_from([tag]))
        return EmptyResult()

    def delete_tags(self) -> ActionResult:
        for tag in self._get_param("Tags") or ():
            self.groups.group(str(tag["ResourceId"])).tags.pop(str(tag["Key"]), None)
        return EmptyResult()

    def describe_tags(self) -> ActionResult:
        tags = [tag for group in self.groups.groups.values() for tag in group.tag_documents()]
        keys = {"auto-scaling-group": "ResourceId", "key": "Key", "value": "Value"}
        for one in self._get_param("Filters") or ():
            key = keys.get(one["Name"], "PropagateAtLaunch")
            values = [value.lower() for value in one.get("Values") or ()]
            tags = [tag for tag in tags if str(tag[key]).lower() in values]
        return ActionResult({"Tags": tags, "NextToken": None})


def _matches(tags: dict[str, tuple[str, bool]], name: str, values: Sequence[str]) -> bool:
    """Whether a group's tags meet one of DescribeAutoScalingGroups' filters."""
    if name == "tag-key":
        return any(value in tags for value in values)
    if name == "tag-value":
        return any(value in (text for text, _ in tags.values()) for value in values)
    if name.startswith("tag:"):
        return tags.get(name.removeprefix("tag:"), ("\0", False))[0] in values
    raise invalid(f"The filter {name} is not valid")
