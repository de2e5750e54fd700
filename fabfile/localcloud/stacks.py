"""CloudFormation's stacks, changed a resource a turn, so that events come over time and a failure is rolled back.

moto reads templates and makes most resources; in which order, what an update touches and what a stack's state is, is
decided here. See
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

from moto.cloudformation.models import Event
from moto.cloudformation.parsing import OutputMap, ResourceMap, parse_resource_and_generate_name

from .refusal import Refusal, invalid
from .resources import deleter, gone, ready
from .settings import CloudSettings
from .templates import Pinned, Plan, enabled, joined_attributes, order, physical_id

log = logging.getLogger(__name__)
Work = Generator[None, None, None]
FIXED = ("AWS::EC2::SecurityGroup",)  # kept as they were made: what they say has no effect here


class Stacks:
    """Run what stacks are asked to do. The control plane's lock guards every method."""

    def __init__(self, settings: CloudSettings) -> None:
        self._settings = settings
        self._pinned: dict[str, Pinned] = {}
        self._resolved: dict[str, dict[str, Any]] = {}  # by stack: what each resource was last made from
        self._works: list[Work] = []

    def tick(self) -> None:
        """Take the next step of every running change."""
        for work in list(self._works):
            try:
                next(work)
            except StopIteration:
                self._works.remove(work)

    def pinned(self, stack: Any) -> Pinned:
        """A stack's resources as templates see them."""
        if stack.stack_id not in self._pinned:
            self._pinned[stack.stack_id] = Pinned(stack.resource_map)
        pinned = self._pinned[stack.stack_id]
        pinned.resources = stack.resource_map
        return pinned

    def _view(self, stack: Any) -> Any:
        """The same where moto wants its own map: it only looks names up in it."""
        return self.pinned(stack)

    # What is asked

    def create(self, stack: Any) -> None:
        """Begin to make a stack."""
        stack.status = "CREATE_IN_PROGRESS"
        stack._add_stack_event("CREATE_IN_PROGRESS", "User Initiated")
        stack.output_map = OutputMap(self._view(stack), {}, stack.stack_id)
        self._works.append(self._create(stack))

    def update(self, stack: Any, template: str, parameters: dict[str, Any]) -> None:
        """Begin to bring a stack to another template or other parameters."""
        if not str(stack.status).endswith("_COMPLETE") or stack.status == "ROLLBACK_COMPLETE":
            raise invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
        before = (stack.template, dict(stack.parameters))
        stack.status = "UPDATE_IN_PROGRESS"
        stack._add_stack_event("UPDATE_IN_PROGRESS", "User Initiated")
        self._works.append(self._update(stack, template, parameters, before))

    def delete(self, stack: Any, buried: dict[str, Any], stacks: dict[str, Any]) -> None:
        """Begin to delete a stack; it moves to the buried ones when all is gone."""
        if stack.status == "DELETE_IN_PROGRESS":
            return
        stack.status = "DELETE_IN_PROGRESS"
        stack._add_stack_event("DELETE_IN_PROGRESS", "User Initiated")
        self._works.append(self._delete(stack, buried, stacks))

    def plan(self, stack: Any, template: dict[str, Any], parameters: dict[str, Any]) -> Plan:
        """What a change would do, without doing it; Refusal or moto's error for wrong parameters."""
        live = self.pinned(stack)
        old = stack.resource_map._resource_json_map
        proposed = ResourceMap(
            stack.stack_id,
            stack.name,
            parameters,
            {},
            self._settings.region,
            self._settings.account,
            template,
            stack.cross_stack_resources,
        )
        proposed.load()
        for name in old:
            proposed._parsed_resources.setdefault(name, stack.resource_map._parsed_resources.get(name))
        bodies = {name: body for name, body in template["Resources"].items() if enabled(body, proposed)}
        existing = {name for name in old if stack.resource_map._parsed_resources.get(name) is not None}
        added = [name for name in bodies if name not in existing]
        modified: list[str] = []
        for name in order(bodies):
            view = Pinned(proposed, dict(live.attributes), frozenset(modified))
            if name in existing and view.resolve(bodies[name]) != self._made(stack).get(name):
                modified.append(name)
        return Plan(tuple(added), tuple(modified), tuple(name for name in existing if name not in bodies))

    def _made(self, stack: Any) -> dict[str, Any]:
        return self._resolved.setdefault(stack.stack_id, {})

    # How it is done

    def _create(self, stack: Any) -> Work:
        try:
            yield from self._make_all(stack)
        except Exception as failure:  # whatever a resource's maker raises is the stack's failure, told in its events
            log.info("stack %s failed", stack.name, exc_info=True)
            stack.status = "ROLLBACK_IN_PROGRESS"
            stack._add_stack_event("ROLLBACK_IN_PROGRESS", _why(failure))
            yield from self._remove(stack, _made_in_order(stack))
            self._complete(stack, "ROLLBACK_COMPLETE", outputs=False)
            return
        self._complete(stack, "CREATE_COMPLETE")

    def _complete(self, stack: Any, status: str, *, outputs: bool = True) -> None:
        template = joined_attributes(stack.template_dict) if outputs else {}
        stack.description = stack.template_dict.get("Description")
        stack.output_map = OutputMap(self._view(stack), template, stack.stack_id)
        stack.status = status
        stack._add_stack_event(status)

    def _make_all(self, stack: Any) -> Work:
        bodies = stack.resource_map._resource_json_map
        for name in order(bodies):
            parsed = stack.resource_map._parsed_resources
            if not enabled(bodies[name], stack.resource_map):
                parsed[name] = None
            elif parsed.get(name) is None:
                yield from self._make(stack, name, bodies[name])
            else:
                yield from self._change(stack, name, bodies[name])

    def _make(self, stack: Any, name: str, body: dict[str, Any]) -> Work:
        kind = body["Type"]
        self._event(stack, name, "", kind, "CREATE_IN_PROGRESS")
        try:
            made = parse_resource_and_generate_name(name, joined_attributes(body), self._view(stack))
            if made is None:
                raise invalid(f"Unrecognized resource types: [{kind}]")
            maker, resolved, physical = made
            self._made(stack)[name] = self.pinned(stack).resolve(body)
            resource = maker.create_from_cloudformation_json(
                physical,
                resolved,
                self._settings.account,
                self._settings.region,
                LogicalId=name,
                StackId=stack.stack_id,
                ResourceType=kind,
            )
            resource.cf_resource_type, resource.logical_resource_id = kind, name
            stack.resource_map._parsed_resources[name] = resource
            if notice := getattr(resource, "notice", ""):
                self._event(stack, name, physical_id(resource), kind, "CREATE_IN_PROGRESS", notice)
            while not ready(resource):
                yield
        except Exception as failure:
            self._event(stack, name, "", kind, "CREATE_FAILED", _why(failure))
            raise
        self._event(stack, name, physical_id(resource), kind, "CREATE_COMPLETE")
        yield

    def _change(self, stack: Any, name: str, body: dict[str, Any]) -> Work:
        pinned = self.pinned(stack)
        wanted = pinned.resolve(body)
        if wanted == self._made(stack).get(name):
            return
        kind = body["Type"]
        resource = stack.resource_map._parsed_resources[name]
        physical = physical_id(resource)
        self._event(stack, name, physical, kind, "UPDATE_IN_PROGRESS")
        try:
            resource = self._changed(stack, name, body, resource)
        except Exception as failure:
            self._event(stack, name, physical, kind, "UPDATE_FAILED", _why(failure))
            raise
        resource.cf_resource_type, resource.logical_resource_id = kind, name
        stack.resource_map._parsed_resources[name] = resource
        pinned.forget(name)
        self._made(stack)[name] = wanted
        self._event(stack, name, physical_id(resource), kind, "UPDATE_COMPLETE")
        yield

    def _changed(self, stack: Any, name: str, body: dict[str, Any], resource: Any) -> Any:
        made = parse_resource_and_generate_name(name, joined_attributes(body), self._view(stack))
        maker, resolved, physical = made
        update = maker.update_from_cloudformation_json
        if body["Type"] in FIXED or hasattr(update, "__isabstractmethod__"):
            return resource
        settings = self._settings
        return update(resource, physical, resolved, settings.account, settings.region)

    def _update(self, stack: Any, template: str, parameters: dict[str, Any], before: tuple[Any, Any]) -> Work:
        leaving = {name: stack.resource_map._parsed_resources.get(name) for name in _made_in_order(stack)}
        try:
            self._load(stack, template, parameters)
            yield from self._make_all(stack)
        except Exception as failure:  # as above
            log.info("the update of stack %s failed", stack.name, exc_info=True)
            stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
            stack._add_stack_event("UPDATE_ROLLBACK_IN_PROGRESS", _why(failure))
            yield from self._go_back(stack, before, set(leaving))
            return
        stack.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        stack._add_stack_event("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        bodies = stack.resource_map._resource_json_map
        removed = [name for name in leaving if name not in bodies or not enabled(bodies[name], stack.resource_map)]
        for name in removed:
            stack.resource_map._parsed_resources[name] = leaving[name]
        yield from self._remove(stack, removed)
        self._complete(stack, "UPDATE_COMPLETE")

    def _go_back(self, stack: Any, before: tuple[Any, Any], kept: set[str]) -> Work:
        new = [name for name in _made_in_order(stack) if name not in kept]
        resources = dict(stack.resource_map._parsed_resources)
        try:
            self._load(stack, *before)
            yield from self._make_all(stack)
        except Exception as failure:  # as above
            log.info("stack %s could not go back", stack.name, exc_info=True)
            stack.status = "UPDATE_ROLLBACK_FAILED"
            stack._add_stack_event("UPDATE_ROLLBACK_FAILED", _why(failure))
            return
        for name in new:
            stack.resource_map._parsed_resources[name] = resources[name]
        yield from self._remove(stack, new)
        self._complete(stack, "UPDATE_ROLLBACK_COMPLETE")

    def _load(self, stack: Any, template: str, parameters: dict[str, Any]) -> None:
        """Give a stack its new template, keeping what it has made."""
        old = stack.resource_map
        stack.template, stack.parameters = template, parameters
        stack._parse_template()
        fresh = stack._create_resource_map()
        for name, resource in old._parsed_resources.items():
            if name in old._resource_json_map:
                fresh._parsed_resources.setdefault(name, resource)
        stack.resource_map = fresh

    def _delete(self, stack: Any, buried: dict[str, Any], stacks: dict[str, Any]) -> Work:
        try:
            yield from self._remove(stack, _made_in_order(stack))
        except Exception as failure:  # as above
            log.info("stack %s could not be deleted", stack.name, exc_info=True)
            stack.status = "DELETE_FAILED"
            stack._add_stack_event("DELETE_FAILED", _why(failure))
            return
        stack.status = "DELETE_COMPLETE"
        stack._add_stack_event("DELETE_COMPLETE")
        buried[stack.stack_id] = stack
        stacks.pop(stack.stack_id, None)

    def _remove(self, stack: Any, names: list[str]) -> Work:
        """Delete resources, dependants first, waiting for each to be gone."""
        for name in reversed(names):
            resource = stack.resource_map._parsed_resources.pop(name, None)
            self._made(stack).pop(name, None)
            self.pinned(stack).forget(name)
            if resource is None:
                continue
            kind, physical = resource.cf_resource_type, physical_id(resource)
            body = stack.resource_map._resource_json_map.get(name) or {}
            if body.get("DeletionPolicy") == "Retain":
                self._event(stack, name, physical, kind, "DELETE_SKIPPED")
                continue
            self._event(stack, name, physical, kind, "DELETE_IN_PROGRESS")
            self._delete_resource(stack, resource, body)
            while not gone(resource):
                yield
            self._event(stack, name, physical, kind, "DELETE_COMPLETE")
            yield

    def _delete_resource(self, stack: Any, resource: Any, body: dict[str, Any]) -> None:
        account, region = self._settings.account, self._settings.region
        own = deleter(resource.cf_resource_type, account, region)
        if own is not None:
            own(physical_id(resource))
        elif hasattr(resource, "delete"):
            resource.delete(account, region)
        else:
            given = {"Type": resource.cf_resource_type, "Properties": body.get("Properties") or {}}
            type(resource).delete_from_cloudformation_json(physical_id(resource), given, account, region)

    @staticmethod
    def _event(stack: Any, name: str, physical: str, kind: str, status: str, why: str | None = None) -> None:  # noqa: PLR0917
        stack.events.append(
            Event(
                stack_id=stack.stack_id,
                stack_name=stack.name,
                logical_resource_id=name,
                physical_resource_id=physical,
                resource_type=kind,
                resource_status=status,
                resource_status_reason=why,
                resource_properties=None,
            )
        )


def _made_in_order(stack: Any) -> list[str]:
    """The resources that a stack has, each after what it refers to."""
    parsed = stack.resource_map._parsed_resources
    return [name for name in order(stack.resource_map._resource_json_map) if parsed.get(name) is not None]


def _why(failure: Exception) -> str:
    """A failure as events tell it."""
    message = getattr(failure, "message", None) or str(failure) or type(failure).__name__
    return f"{message} ({failure.code})" if isinstance(failure, Refusal) else str(message)
