"""Who signed a request, and which policies that user or role has in moto's records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.iam.access_control import IAMPolicy
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from ..settings import CloudSettings
from .evaluation import Document

PARTITION = "aws"


@dataclass(frozen=True)
class Principal:
    """An identity that is held to its policies."""

    arn: str
    policies: tuple[Document, ...]


class Principals:
    """Looks callers up by access key id. The control plane's lock guards it.

    `role_of` tells the role of the machine that a key was given to by the metadata service, "" for other keys.
    """

    def __init__(self, settings: CloudSettings, role_of: Callable[[str], tuple[str, str]]) -> None:
        self._account = settings.account
        self._role_of = role_of

    @property
    def _iam(self) -> Any:
        return iam_backends[self._account][PARTITION]

    def find(self, key_id: str) -> Principal | None:
        """Return who has the key; None for any other key: it is the account owner's, who may do everything."""
        machine, role = self._role_of(key_id)
        if role:
            return self._of_role(role, machine)
        assumed = sts_backends[self._account][PARTITION].get_assumed_role_from_access_key(key_id)
        if assumed:
            return self._of_role(assumed.role_arn.rsplit("/", 1)[-1], assumed.session_name)
        for user in self._iam.users.values():
            if any(key.access_key_id == key_id for key in user.access_keys):
                return self._of_user(user.name)
        return None

    def has_role(self, arn: str) -> bool:
        """Tell whether there is such a role."""
        return any(role.arn == arn for role in self._iam.roles.values())

    def _of_role(self, name: str, session: str) -> Principal:
        arn = f"arn:{PARTITION}:sts::{self._account}:assumed-role/{name}/{session}"
        if not any(role.name == name for role in self._iam.roles.values()):
            return Principal(arn, ())
        inline = [self._iam.get_role_policy(name, policy)[1] for policy in self._iam.list_role_policies(name)]
        return Principal(arn, _documents([*inline, *self._iam.list_attached_role_policies(name)[0]]))

    def _of_user(self, name: str) -> Principal:
        inline = [self._iam.get_user_policy(name, policy) for policy in self._iam.list_user_policies(name)]
        attached = self._iam.list_attached_user_policies(name)[0]
        return Principal(f"arn:{PARTITION}:iam::{self._account}:user/{name}", _documents([*inline, *attached]))


def _documents(policies: list[Any]) -> tuple[Document, ...]:
    return tuple(map(_document, policies))


def _document(policy: Any) -> Document:
    """Return a policy's document: moto keeps it as text or, where CloudFormation made it, as data."""
    if not isinstance(policy, Mapping) or "Statement" not in policy:
        policy = policy if isinstance(policy, str) else IAMPolicy(policy)._policy_json
    found: Document = json.loads(policy) if isinstance(policy, str) else policy
    return found
