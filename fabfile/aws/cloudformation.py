"""CloudFormation: one stack, proposed as a change set, then carried out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .session import Aws
from .translate import Missing, Refused

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# "Valid values": a template in the request has at most 51,200 bytes.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MAX_TEMPLATE_BYTES = 51_200
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-certificatemanager-certificate.html
_RECORD = re.compile(r"Content of DNS Record is: \{Name: ([^,]+),\s*Type: ([^,]+),\s*Value: ([^}]+)\}")
_NOTHING = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Stack:
    """A stack as seen now; `status` is CloudFormation's word, e.g. UPDATE_COMPLETE."""

    name: str
    id: str
    status: str
    reason: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    drift: str = "NOT_CHECKED"  # what the last detection of drift found
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        return not self.status.endswith("_IN_PROGRESS") or self.status == "REVIEW_IN_PROGRESS"

    @property
    def exists(self) -> bool:
        """False while only a change set stands for it, or once it is gone."""
        return self.status not in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}


@dataclass(frozen=True)
class Change:
    """One resource that a change set would touch."""

    action: str  # Add, Modify, Remove
    resource: str
    type: str
    replacement: bool = False


@dataclass(frozen=True)
class ChangeSet:
    """What CloudFormation would do; empty changes mean that nothing is to be done."""

    id: str
    stack: str
    status: str
    reason: str = ""
    changes: tuple[Change, ...] = ()
    creates: bool = False

    @property
    def ready(self) -> bool:
        return self.status == "CREATE_COMPLETE"

    @property
    def empty(self) -> bool:
        return self.status == "FAILED" and any(text in self.reason for text in _NOTHING)


@dataclass(frozen=True)
class StackEvent:
    """One line of a stack's progress."""

    id: str
    at: datetime
    resource: str
    type: str
    status: str
    reason: str = ""

    @property
    def wanted_record(self) -> str:
        """The DNS record that a requested certificate waits for, "NAME TYPE VALUE"; "" for any other event."""
        found = _RECORD.search(self.reason)
        return " ".join(found.groups()) if found else ""

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")


class Stacks:
    """The stacks of one account and region."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    @property
    def _client(self) -> CloudFormationClient:
        return self._aws.client("cloudformation")

    def describe(self, name: str) -> Stack | None:
        """Return the stack by name or id, or None where there is none."""
        try:
            with self._aws.calling(f"describe the stack {name}"):
                found = self._client.describe_stacks(StackName=name)["Stacks"]
        except Missing:
            return None
        except Refused as error:
            # CloudFormation says ValidationError "Stack with id X does not exist" where others say NotFound.
            if "does not exist" in error.message:
                return None
            raise
        if not found:
            return None
        one: Mapping[str, Any] = found[0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in one.get("Outputs", [])}
        status, reason = one["StackStatus"], one.get("StackStatusReason", "")
        drift = one.get("DriftInformation", {}).get("StackDriftStatus", "NOT_CHECKED")
        given = {each["ParameterKey"]: each.get("ParameterValue", "") for each in one.get("Parameters", [])}
        return Stack(one["StackName"], one["StackId"], status, reason, outputs, drift, given)

    def resources(self, name: str) -> Mapping[str, str]:
        """Return the physical ids of the stack's first 100 resources by their names in the template."""
        with self._aws.calling(f"describe the resources of the stack {name}"):
            found = self._client.describe_stack_resources(StackName=name)["StackResources"]
        return {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in found}

    def propose(
        self, name: str, body: str, parameters: Mapping[str, str], tags: Mapping[str, str], *, creates: bool
    ) -> ChangeSet:
        """Make a change set; it is not complete at once: look at it again with `look`."""
        change_set = f"fabscale-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        with self._aws.calling(f"propose changes to the stack {name}"):
            made = self._client.create_change_set(
                StackName=name,
                ChangeSetName=change_set,
                ChangeSetType="CREATE" if creates else "UPDATE",
                TemplateBody=body,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                Capabilities=["CAPABILITY_IAM"],
            )
        return ChangeSet(made["Id"], name, "CREATE_PENDING", creates=creates)

    def look(self, change_set: ChangeSet) -> ChangeSet:
        """Return the change set as it is now, with all pages of its changes."""
        changes: list[Change] = []
        token = ""
        while True:
            with self._aws.calling(f"read the change set of {change_set.stack}"):
                page: Mapping[str, Any] = self._client.describe_change_set(
                    ChangeSetName=change_set.id,
                    StackName=change_set.stack,
                    **({"NextToken": token} if token else {}),  # type: ignore[arg-type]
                )
            changes.extend(_change(entry["ResourceChange"]) for entry in page.get("Changes", []))
            token = page.get("NextToken") or ""
            if not token:
                break
        status, reason = page["Status"], page.get("StatusReason") or ""
        return ChangeSet(change_set.id, change_set.stack, status, reason, tuple(changes), change_set.creates)

    def execute(self, change_set: ChangeSet) -> None:
        with self._aws.calling(f"carry out the changes to the stack {change_set.stack}"):
            self._client.execute_change_set(ChangeSetName=change_set.id, StackName=change_set.stack)

    def discard(self, change_set: ChangeSet) -> None:
        """Delete a change set, and the empty stack that stands for it where it would have created one."""
        with self._aws.calling(f"discard the changes proposed to the stack {change_set.stack}"):
            self._client.delete_change_set(ChangeSetName=change_set.id, StackName=change_set.stack)
        if change_set.creates:
            self.delete(change_set.stack)

    def delete(self, name: str) -> None:
        with self._aws.calling(f"delete the stack {name}"):
            self._client.delete_stack(StackName=name)

    def events(self, stack: str, since: datetime) -> tuple[StackEvent, ...]:
        """Return the stack's events since a time, oldest first."""
        found: list[StackEvent] = []
        with self._aws.calling(f"read the events of the stack {stack}"):
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=stack):
                events = [_event(event) for event in page["StackEvents"]]
                found.extend(event for event in events if event.at >= since)
                if any(event.at < since for event in events):
                    break
        return tuple(reversed(found))


def _change(change: Mapping[str, Any]) -> Change:
    replacement = change.get("Replacement") == "True"
    return Change(change["Action"], change["LogicalResourceId"], change["ResourceType"], replacement)


def _event(event: Mapping[str, Any]) -> StackEvent:
    return StackEvent(
        event["EventId"],
        event["Timestamp"],
        event["LogicalResourceId"],
        event["ResourceType"],
        event["ResourceStatus"],
        event.get("ResourceStatusReason") or "",
    )
