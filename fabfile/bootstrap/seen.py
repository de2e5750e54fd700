"""Look at everything that deploys of an environment rely on; what may not be looked at is said, not guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ..apply.around import Port, cache_of, ports_of
from ..apply.launch_configs import WORKER
from ..aws.bucket_protection import Protection, protection
from ..aws.cloudformation import Stack, Stacks
from ..aws.dynamodb import Table
from ..aws.elasticache import Cache
from ..aws.iam import may
from ..aws.inspection import Ingress, InspectedGroup, ingress_of, inspect_group
from ..aws.listeners import TargetGroupSettings, target_group_settings
from ..aws.rds import Database, database
from ..aws.s3 import bucket_name
from ..aws.secretsmanager import Secret, secret
from ..aws.session import Aws
from ..aws.translate import Missing, Refused
from ..config.environment import Environment

_T = TypeVar("_T")
GROUPS = ("LoadBalancer", "Web", "Worker", "Database", "Cache")  # whose security groups the stack makes


@dataclass(frozen=True)
class Unknown:
    """AWS did not tell: `why` in its own words."""

    why: str


@dataclass(frozen=True)
class Seen:
    """An environment as it is; None is what is not there. `now` is seconds since the epoch."""

    now: float
    stack: Stack | None
    groups: Mapping[str, InspectedGroup | None]  # by name
    ports: tuple[Port, ...]
    targets: TargetGroupSettings | None
    security_groups: Mapping[str, str]  # id by whose it is
    ingress: Mapping[str, tuple[Ingress, ...]] | Unknown | None  # by security group
    database: Database | Unknown | None
    cache: Cache | Unknown | None
    secrets: Mapping[str, Secret | Unknown | None] = field(default_factory=dict)  # by what they are for
    bucket: Protection | Unknown | None = None
    table: bool = False
    reads_releases: bool | Unknown = Unknown("nothing was asked")


def look(aws: Aws, environment: Environment, now: float) -> Seen:
    """Look at it all, by calls that only read."""
    names = environment.names
    stacks = Stacks(aws)
    stack = stacks.describe(names.stack)
    there = stack if stack and stack.exists else None
    made = stacks.resources(names.stack) if there else {}
    ours = {name: made[f"{name}SecurityGroup"] for name in GROUPS if f"{name}SecurityGroup" in made}
    groups = {name: inspect_group(aws, name) for name in group_names(environment)}
    bucket = bucket_name(aws)
    return Seen(
        now=now,
        stack=there,
        groups=groups,
        ports=ports_of(aws, environment),
        targets=_missing_is_none(lambda: target_group_settings(aws, names.target_group)),
        security_groups=ours,
        ingress=_asked(lambda: ingress_of(aws, tuple(ours.values()))),
        database=_asked(lambda: database(aws, f"{names.stack}-db")) if has(environment, "db-primary") else None,
        cache=_asked(lambda: cache_of(aws, environment)),
        secrets=_secrets(aws, there),
        bucket=_asked(lambda: protection(aws, bucket)),
        table=Table(aws, names.table).exists(),
        reads_releases=_reads_releases(aws, environment, groups, bucket),
    )


def group_names(environment: Environment) -> tuple[str, ...]:
    """Return the names of the groups that the environment is to have."""
    names = environment.names
    return (*names.auto_scaling_groups, *((names.worker,) if has(environment, WORKER) else ()))


def has(environment: Environment, role: str) -> bool:
    """Whether the config asks for servers of a role."""
    settings = environment.roles.get(role)
    return bool(settings and settings.count)


def _secrets(aws: Aws, stack: Stack | None) -> dict[str, Secret | Unknown | None]:
    outputs = stack.outputs if stack else {}
    arns = {"secret key": outputs.get("SecretKeyArn", ""), "database password": outputs.get("DatabaseSecretArn", "")}
    return {name: _asked(lambda arn=arn: secret(aws, arn)) for name, arn in arns.items() if arn}  # type: ignore[misc]


def _reads_releases(
    aws: Aws, environment: Environment, groups: Mapping[str, InspectedGroup | None], bucket: str
) -> bool | Unknown:
    group = groups[environment.names.auto_scaling_groups[0]]
    if group is None or not group.source.profile:
        return Unknown("there is no group whose servers have a role")
    resource = f"arn:aws:s3:::{bucket}/{environment.deployment}/release"
    found = _asked(lambda: may(aws, group.source.profile, "s3:GetObject", resource))
    return Unknown("its instance profile is gone") if found is None else found


def _asked(ask: Callable[[], _T | None]) -> _T | Unknown | None:
    try:
        return ask()
    except Missing:
        return None
    except Refused as error:
        return Unknown(error.seen)


def _missing_is_none(ask: Callable[[], _T]) -> _T | None:
    try:
        return ask()
    except Missing:
        return None
