"""What stands around an environment's servers: listeners with their certificates, the cache, alarms."""

from __future__ import annotations

from dataclasses import dataclass

from ..aws.acm import Certificate, certificate
from ..aws.cloudformation import Stacks
from ..aws.cloudwatch import Alarm, alarms
from ..aws.elasticache import Cache, cache
from ..aws.listeners import SeenListener, listeners
from ..aws.session import Aws
from ..aws.translate import Missing
from ..config.environment import Environment

_AMAZON = ":acm:"  # other certificates are IAM's, which tells nothing of their domains


@dataclass(frozen=True)
class Port:
    """A listener and what it shows."""

    listener: SeenListener
    certificate: Certificate | None


@dataclass(frozen=True)
class Around:
    """All of it; empty where the environment has none."""

    ports: tuple[Port, ...] = ()
    cache: Cache | None = None
    alarms: tuple[Alarm, ...] = ()


def look_around(aws: Aws, environment: Environment) -> Around:
    """Look at what the config says that there is."""
    return Around(
        ports_of(aws, environment),
        cache_of(aws, environment),
        alarms(aws, f"{environment.names.stack}-") if environment.alarms else (),
    )


def ports_of(aws: Aws, environment: Environment) -> tuple[Port, ...]:
    """Return the first load balancer's listeners with their certificates; none for one that is not there."""
    try:
        found = listeners(aws, environment.names.load_balancers[0])
    except Missing:
        return ()
    return tuple(Port(each, _certificate(aws, each.certificate)) for each in found)


def cache_of(aws: Aws, environment: Environment) -> Cache | None:
    """Return the cache that the stack made; None where there is none."""
    role = environment.roles.get("cache")
    stack = Stacks(aws).describe(environment.names.stack) if role and role.count else None
    id_ = stack.outputs.get("CacheId", "") if stack else ""
    try:
        return cache(aws, id_) if id_ else None
    except Missing:
        return None


def _certificate(aws: Aws, arn: str) -> Certificate | None:
    try:
        return certificate(aws, arn) if _AMAZON in arn else None
    except Missing:
        return None
