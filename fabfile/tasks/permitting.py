"""`fab iam_policy`: what IAM has to allow whoever runs the tasks."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING

from ..errors import UsageError
from .declare import reading

if TYPE_CHECKING:
    from ..permissions.policy import Document
    from .run import Run

_CHANGES_STACK = frozenset({"cloudformation:DeleteStack", "cloudformation:ExecuteChangeSet"})


@reading(help={"task": "the one task that is to be allowed; every task if left out"})
def iam_policy(run: Run, task: str = "") -> None:
    """Print the least IAM policy for whoever deploys: exactly what the tasks call, on what is the environment's.

    The account is `account_id` of the config, or that of `role_arn`; without both AWS is asked. IAM limits a policy's
    length: when one is not enough, several are printed, and all of them have to be attached.
    """
    found = _documents(run, task)
    if run.json:
        run.output.json(found)
        return
    for document in found:
        run.output.result(json.dumps(document, indent=2))
    if len(found) > 1:
        run.output.warning(f"that is too long for one managed policy: attach all {len(found)} documents")


def _documents(run: Run, task: str) -> tuple[Document, ...]:
    from ..bootstrap.template import additions, render  # noqa: PLC0415  (`fab --list` needs names only)
    from ..permissions.policy import documents, names_of, statements  # noqa: PLC0415
    from ..permissions.rights import rules  # noqa: PLC0415

    environment, account, calls = run.environment, _account(run), _calls(task)
    bucket = environment.names.bucket.replace("{account}", account)
    types: Collection[str] = ()
    if calls & _CHANGES_STACK:
        types = {change.type for change in additions(render(environment, bucket))}
    return documents(statements(rules(), calls, types, names_of(environment, account, bucket)))


def _calls(task: str) -> frozenset[str]:
    from ..config.naming import nearest  # noqa: PLC0415
    from ..permissions.rights import recorded_calls  # noqa: PLC0415

    recorded = recorded_calls()
    if task and task not in recorded:
        raise UsageError(
            f"print the policy for {task!r}", "no task of that name calls AWS", nearest(task, tuple(recorded), "tasks")
        )
    return recorded[task] if task else frozenset().union(*recorded.values())


def _account(run: Run) -> str:
    from ..localcloud.metadata import ACCOUNT  # noqa: PLC0415
    from .wiring import is_local  # noqa: PLC0415

    environment = run.environment
    if environment.account_id:
        return environment.account_id
    if environment.role_arn:
        return environment.role_arn.split(":")[4]
    return ACCOUNT if is_local(environment) else run.aws().caller.account
