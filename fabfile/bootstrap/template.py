"""Render the stack's template and its parameters from an environment's settings.

Pure but for reading the template's file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..apply.launch_configs import HOOK, WORKER, database_name
from ..aws.cloudformation import Change
from ..aws.placement import Placement
from ..config.environment import Environment, RoleSettings
from ..templating import fill_in
from . import sizes

_DATABASE_ROLE = "db-primary"
_CACHE_ROLE = "cache"
_MAXIMUM_HOOK_SECONDS = 7200  # AutoScaling: HeartbeatTimeout is 30 to 7200 seconds


@dataclass(frozen=True)
class Live:
    """What deploys own at this moment; None where nothing was launched yet."""

    web_version: str | None = None
    worker_version: str | None = None
    web_desired: int = field(default=0, compare=False)  # the group's desired capacity as seen last


def render(environment: Environment, bucket: str) -> str:
    """Return the stack's template as YAML; the same settings give the same bytes."""
    return fill_in("stack.yaml.j2", environment.state.parent, _values(environment, bucket))


def additions(body: str) -> tuple[Change, ...]:
    """Return what a new stack of the template would add, in the template's order; conditions are not looked at."""
    # Composed, not loaded: !Ref and its like mean nothing to YAML.
    top: Any = yaml.compose(body, Loader=yaml.SafeLoader)
    listed = next(value for key, value in top.value if key.value == "Resources")
    types = {
        name.value: next(value.value for key, value in resource.value if key.value == "Type")
        for name, resource in listed.value
    }
    return tuple(Change("Add", name, kind) for name, kind in types.items())


def parameters(environment: Environment, placement: Placement, live: Live, before: Mapping[str, str]) -> dict[str, str]:
    """Return the stack's parameters; `before` are those of its last update, none for a new stack.

    A group that never ran a release stays empty (minimum 0) until there is a launch config to run; after
    that its live version goes in and desired capacity stays out, so that an update touches nothing that
    deploys own. `sizes` says when the group's limits are the config's.
    """
    started = live.web_version is not None
    values = {
        "VpcId": placement.vpc,
        "SubnetIds": ",".join(placement.subnets),
        "ImageId": environment.ami,
        "RootDevice": placement.root_device,
        "WebVersion": live.web_version or "",
        sizes.MINIMUM: str(environment.minimum if started else 0),
        sizes.MAXIMUM: str(sizes.maximum(environment.maximum, before, live.web_desired)),
    }
    values |= _servers("Web", environment.roles["web"])
    worker = _worker(environment)
    if worker:
        values |= _servers("Worker", worker)
        values["WorkerVersion"] = live.worker_version or ""
        values["WorkerCount"] = str(worker.count if live.worker_version else 0)
    if database := _wanted(environment, _DATABASE_ROLE):
        values["DatabaseClass"] = f"db.{database.instance_type.removeprefix('db.')}"
        values["DatabaseStorage"] = str(database.volume_size)
        values["DatabaseStorageType"] = database.volume_type
        if environment.alarms:
            # 20 GiB of storage: an alarm below a tenth of it, 2147483648 bytes.
            values["DatabaseLowStorage"] = str(database.volume_size * 2**30 // 10)
    if cache := _wanted(environment, _CACHE_ROLE):
        values["CacheNodeType"] = f"cache.{cache.instance_type.removeprefix('cache.')}"
        values["CacheNodes"] = str(cache.count)
    return values


def log_group(environment: Environment, role: str) -> str:
    """Return the name of a role's log group."""
    return f"/{environment.deployment}/{environment.name}/{role}"


def _servers(role: str, settings: RoleSettings) -> dict[str, str]:
    return {
        f"{role}InstanceType": settings.instance_type,
        f"{role}VolumeSize": str(settings.volume_size),
        f"{role}VolumeType": settings.volume_type,
    }


def _worker(environment: Environment) -> RoleSettings | None:
    return _wanted(environment, WORKER)


def _wanted(environment: Environment, role: str) -> RoleSettings | None:
    settings = environment.roles.get(role)
    return settings if settings and settings.count else None


def _values(environment: Environment, bucket: str) -> Mapping[str, Any]:
    names = environment.names
    return {
        "deployment": environment.deployment,
        "environment": environment.name,
        "production": environment.production,
        "stack": names.stack,
        "group": names.stack_group,
        "groups": names.auto_scaling_groups,
        "worker_group": names.worker,
        "load_balancer": names.load_balancers[0],
        "target_group": names.target_group,
        "web_template": names.launch_template,
        "worker_template": names.worker,
        "bucket": bucket,
        "app_port": environment.app_port,
        "listener_port": environment.listener_port,
        "health": environment.health,
        "deregistration_delay": int(environment.rollout.deregistration_delay),
        "key_name": environment.key_name,
        "web": environment.roles["web"],
        "scaling": environment.scaling,
        "worker": _worker(environment),
        "tags": dict(environment.tags),
        "hook": HOOK,
        "hook_timeout": int(min(max(environment.rollout.slot_deadline * 2, 30), _MAXIMUM_HOOK_SECONDS)),
        "database": _wanted(environment, _DATABASE_ROLE)
        and {
            "identifier": f"{names.stack}-db",
            "name": database_name(environment),
            "user": database_name(environment),
        },
        "cache": _wanted(environment, _CACHE_ROLE),
        "https": environment.https,
        "domains": environment.domains,
        "hosted_zone": environment.hosted_zone,
        "records": environment.domains if environment.hosted_zone else (),
        "access_logs": environment.access_logs,
        "log_retention": environment.log_retention,
        "log_groups": {role: log_group(environment, role) for role in ("web", WORKER)},
        "alarms": environment.alarms,
    }
