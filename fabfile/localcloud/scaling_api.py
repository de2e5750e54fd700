"""The part of the autoscaling API that is about scaling by itself: policies and scheduled actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from moto.autoscaling import urls
from moto.core.responses import ActionResult, EmptyResult

from .autoscaling import Autoscaling
from .autoscaling_api import AutoscalingApi
from .members import Members
from .patches import Patch
from .refusal import Refusal
from .scaling import Scaling


def autoscaling_patches(autoscaling: Autoscaling, members: Members, scaling: Scaling) -> Iterator[Patch]:
    """Route the whole autoscaling API to our own class."""
    bound: Any = type("ScalingApi", (ScalingApi,), {"groups": autoscaling, "ones": members, "scaling": scaling})
    yield Patch(urls.url_paths, "{0}/$", bound.dispatch)


class ScalingApi(AutoscalingApi):
    """All of the API; what is about groups and their members is its parent's."""

    scaling: ClassVar[Scaling]

    # Policies

    def put_scaling_policy(self) -> ActionResult:
        arn = self.scaling.put_policy(self._name(), str(self._get_param("PolicyName")), self._get_params())
        return ActionResult({"PolicyARN": arn, "Alarms": []})

    def describe_policies(self) -> ActionResult:
        group = self._get_param("AutoScalingGroupName")
        names, kinds = (self._get_param(name) or () for name in ("PolicyNames", "PolicyTypes"))
        page, more = self._page("policies", self.scaling.policies(group, names, kinds))
        return ActionResult({"ScalingPolicies": [one.document() for one in page], "NextToken": more})

    def delete_policy(self) -> ActionResult:
        self.scaling.delete_policy(self._get_param("AutoScalingGroupName"), str(self._get_param("PolicyName")))
        return EmptyResult()

    def execute_policy(self) -> ActionResult:
        self.scaling.execute(self._get_param("AutoScalingGroupName"), str(self._get_param("PolicyName")))
        return EmptyResult()

    # Scheduled actions

    def put_scheduled_update_group_action(self) -> ActionResult:
        self.scaling.put_action(self._name(), str(self._get_param("ScheduledActionName")), self._get_params())
        return EmptyResult()

    def batch_put_scheduled_update_group_action(self) -> ActionResult:
        failed = []
        for given in self._get_param("ScheduledUpdateGroupActions") or ():
            name = str(given["ScheduledActionName"])
            try:
                self.scaling.put_action(self._name(), name, given)
            except Refusal as refused:
                why = {"ErrorCode": refused.code, "ErrorMessage": refused.message}
                failed.append({"ScheduledActionName": name, **why})
        return ActionResult({"FailedScheduledUpdateGroupActions": failed})

    def describe_scheduled_actions(self) -> ActionResult:
        names = self._get_param("ScheduledActionNames") or ()
        found = self.scaling.actions(self._get_param("AutoScalingGroupName"), names)
        page, more = self._page("policies", found)
        return ActionResult({"ScheduledUpdateGroupActions": page, "NextToken": more})

    def delete_scheduled_action(self) -> ActionResult:
        self.scaling.delete_action(self._name(), str(self._get_param("ScheduledActionName")))
        return EmptyResult()
