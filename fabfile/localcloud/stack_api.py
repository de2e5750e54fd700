"""CloudFormation's operations, answered at once and carried out turn by turn by `stacks`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.cloudformation.exceptions import AlreadyExistsException, ValidationError
from moto.cloudformation.models import Change, CloudFormationBackend, Stack
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.utils import generate_stack_id
from moto.rds.models import DBInstance

from .patches import Patch
from .refusal import Refusal, invalid
from .stacks import Stacks

UNCHANGED = "The submitted information didn't contain changes. Submit different information to create a change set."

TEMPLATE_LIMIT = 51_200  # bytes of a template in the request


def stack_patches(stacks: Stacks) -> Iterator[Patch]:
    """The replaced operations of CloudFormation."""
    yield Patch(CloudFormationBackend, "create_stack", _create_stack(stacks))
    yield Patch(CloudFormationBackend, "update_stack", _update_stack(stacks))
    yield Patch(CloudFormationBackend, "delete_stack", _delete_stack(stacks))
    yield Patch(CloudFormationBackend, "create_change_set", _create_change_set(stacks))
    yield Patch(CloudFormationBackend, "execute_change_set", _execute_change_set(stacks))
    yield Patch(CloudFormationResponse, "_validate_different_update", lambda *_: None)
    yield Patch(CloudFormationResponse, "_validate_status", lambda *_: None)
    yield Patch(Stack, "stack_resources", property(_made))
    yield Patch(DBInstance, "get_cfn_attribute", _database_attribute())


def _made(stack: Any) -> list[Any]:
    """The resources that there are: moto's own answer would make the others."""
    found = stack.resource_map._parsed_resources
    return [found[name] for name in stack.resource_map._resource_json_map if found.get(name) is not None]


def _database_attribute() -> Any:
    original = DBInstance.get_cfn_attribute

    def get_cfn_attribute(database: Any, attribute_name: str) -> Any:
        if attribute_name == "MasterUserSecret.SecretArn":
            return database.master_user_secret.secret_arn
        if attribute_name == "DBInstanceArn":
            return database.db_instance_arn
        return original(database, attribute_name)

    return get_cfn_attribute


def _new_stack(backend: Any, name: str, template: Any, parameters: dict[str, Any], **kwargs: Any) -> Any:
    made: Any = Stack  # moto leaves abstract what it never calls
    stack = made(
        stack_id=generate_stack_id(name, backend.region_name, backend.account_id),
        name=name,
        template=template,
        parameters=parameters,
        account_id=backend.account_id,
        region_name=backend.region_name,
        cross_stack_resources=backend.exports,
        **kwargs,
    )
    backend.stacks[stack.stack_id] = stack
    return stack


def _named(backend: Any, name: str) -> Any | None:
    return next((one for one in backend.stacks.values() if name in (one.name, one.stack_id)), None)


def _create_stack(stacks: Stacks) -> Any:
    def create_stack(backend: Any, name: str, template: str, parameters: dict[str, Any], **kwargs: Any) -> Any:
        if _named(backend, name) is not None:
            raise AlreadyExistsException(f"Stack {name} already exists")
        stack = _new_stack(backend, name, template, parameters, **kwargs)
        stacks.create(stack)
        return stack

    return create_stack


def _update_stack(stacks: Stacks) -> Any:
    def update_stack(  # noqa: PLR0917 (moto's own signature)
        backend: Any,
        name: str,
        template: str,
        role_arn: str | None,
        parameters: list[dict[str, Any]],
        tags: dict[str, str] | None,
    ) -> Any:
        stack = backend.get_stack(name)
        given = backend._resolve_update_parameters(instance=stack, incoming_params=parameters)
        if stacks.plan(stack, Stack.parse_template(template), given).empty:
            raise invalid("No updates are to be performed.")
        stacks.update(stack, template, given)
        return stack

    return update_stack


def _delete_stack(stacks: Stacks) -> Any:
    def delete_stack(backend: Any, name_or_stack_id: str) -> None:
        stack = _named(backend, name_or_stack_id)
        if stack is None:
            return
        if stack.enable_termination_protection:
            raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        stacks.delete(stack, backend.deleted_stacks, backend.stacks)

    return delete_stack


def _check_size(template: str) -> None:
    """See https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html"""
    if len(template.encode()) > TEMPLATE_LIMIT:
        raise invalid(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have "
            f"length less than or equal to {TEMPLATE_LIMIT}"
        )


def _create_change_set(stacks: Stacks) -> Any:
    original = CloudFormationBackend.create_change_set

    def create_change_set(backend: Any, **kwargs: Any) -> tuple[str, str]:
        _check_size(str(kwargs["template"]))
        stack = _named(backend, kwargs["stack_name"])
        new = kwargs["change_set_type"] == "CREATE"
        if new and stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise AlreadyExistsException(f"Stack [{kwargs['stack_name']}] already exists and cannot be created again")
        if not new and stack is not None and stack.status == "ROLLBACK_COMPLETE":
            raise invalid(f"Stack:{stack.stack_id} is in ROLLBACK_COMPLETE state and can not be updated.")
        if new and stack is not None:
            backend.stacks.pop(stack.stack_id)
        identifier, stack_id = original(backend, **kwargs)
        change_set, stack = backend.change_sets[identifier], backend.stacks[stack_id]
        plan = stacks.plan(stack, change_set.template_dict, change_set.parameters)
        kinds = {**stack.resource_map._resource_json_map, **change_set.template_dict["Resources"]}
        change_set.changes = [
            Change(action=action, logical_resource_id=name, resource_type=kinds[name]["Type"])
            for action, names in (("Add", plan.added), ("Modify", plan.modified), ("Remove", plan.removed))
            for name in names
        ]
        if plan.empty:
            change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
            change_set.status_reason = UNCHANGED
        else:
            change_set.status, change_set.execution_status = "CREATE_COMPLETE", "AVAILABLE"
            change_set.status_reason = None
        return identifier, stack_id

    return create_change_set


def _execute_change_set(stacks: Stacks) -> Any:
    def execute_change_set(backend: Any, change_set_name: str, stack_name: str | None = None) -> None:
        change_set = next(
            (
                one
                for identifier, one in reversed(backend.change_sets.items())
                if change_set_name in (identifier, one.change_set_name)
                and stack_name in (None, one.stack.name, one.stack_id)
            ),
            None,
        )
        if change_set is None:
            raise Refusal("ChangeSetNotFound", f"ChangeSet [{change_set_name}] does not exist")
        if change_set.execution_status != "AVAILABLE":
            raise Refusal(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current status of "
                f"[{change_set.status}]",
            )
        stack = backend.stacks.get(change_set.stack_id)
        if stack is None:
            raise ValidationError(change_set.stack_name)
        change_set.execution_status = "EXECUTE_COMPLETE"
        if change_set.change_set_type == "CREATE":
            stack.template, stack.parameters = change_set.template, change_set.parameters
            stack._parse_template()
            stack.resource_map = stack._create_resource_map()
            stacks.create(stack)
        else:
            stacks.update(stack, change_set.template, change_set.parameters)

    return execute_change_set
