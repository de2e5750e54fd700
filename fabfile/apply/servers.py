"""Which of an environment's servers a command is for, and where they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..aws import ec2
from ..aws.autoscaling import describe_group
from ..aws.session import Aws
from ..config.environment import Environment
from ..config.naming import nearest
from ..errors import UsageError
from ..rollout.model import Lifecycle

WEB = "web"
WORKER = "worker"
_INSTANCE = re.compile(r"i-[0-9a-f]+")
_THERE = frozenset({Lifecycle.IN_SERVICE, Lifecycle.STANDBY})  # one that comes up or goes has no answer to give


@dataclass(frozen=True)
class Server:
    """A server that commands can be sent to; `launch_config` is "lt-…:N", "" where its group does not say."""

    id: str
    role: str
    group: str
    address: str
    launch_config: str = ""


@dataclass(frozen=True)
class Choice:
    """Groups of web servers by name, whether workers are meant, and ids to which all are narrowed, if any."""

    groups: tuple[str, ...]
    workers: bool
    instances: frozenset[str] = frozenset()


def choose(task: str, environment: Environment, roles: str, instances: str) -> Choice:
    """Return what was typed: roles, web groups and instance ids, separated by commas (or ";"); "" is every server.

    Raises `UsageError`, with the nearest names, for one that is none of them.
    """
    named, ids = _words(roles), _words(instances)
    ids = (*ids, *(word for word in named if word.startswith("i-")))
    named = tuple(word for word in named if not word.startswith("i-"))
    for word in ids:
        if not _INSTANCE.fullmatch(word):
            raise UsageError(f"run {task}", f"{word!r} is no instance id", "They look like i-0123456789abcdef0")
    known = (*_roles(environment), *environment.names.auto_scaling_groups)
    for word in named:
        if word not in known:
            comma = "; a comma that belongs to a command is written \\,"
            raise UsageError(
                f"run {task}",
                f"{environment.place} has no role or web group {word!r}",
                f"{nearest(word, known, 'roles and groups').rstrip('.')}{comma}",
            )
    every = not named
    return Choice(
        tuple(name for name in environment.names.auto_scaling_groups if every or WEB in named or name in named),
        WORKER in (named or _roles(environment)),
        frozenset(ids),
    )


def servers_of(aws: Aws, environment: Environment, choice: Choice) -> tuple[Server, ...]:
    """Return the servers that are up, web servers first, each group's and the workers by id.

    Raises `UsageError` for an instance id that is none of them.
    """
    found = [*_web(aws, environment, choice.groups), *(_workers(aws, environment) if choice.workers else ())]
    missing = choice.instances - {server.id for server in found}
    if missing:
        there = ", ".join(f"{server.id} ({server.role})" for server in found) or "none"
        raise UsageError(
            f"find {', '.join(sorted(missing))}",
            f"that is no server of {environment.place} that is up",
            f"Those that are: {there}",
        )
    return tuple(server for server in found if not choice.instances or server.id in choice.instances)


def _web(aws: Aws, environment: Environment, groups: Iterable[str]) -> list[Server]:
    members = [
        (name, member)
        for name in groups
        for member in sorted(describe_group(aws, name).group.members, key=lambda each: each.id)
        if member.lifecycle in _THERE
    ]
    known = ec2.instances(aws, [member.id for _, member in members])
    return [
        Server(member.id, WEB, name, _address(known.get(member.id), environment), member.launch_config)
        for name, member in members
    ]


def _workers(aws: Aws, environment: Environment) -> list[Server]:
    """Workers have their name for a group, whether or not a group made them."""
    name = environment.names.worker
    running = [each for each in ec2.instances_tagged(aws, {"Name": name}) if each.state == "running"]
    return [Server(each.id, WORKER, name, _address(each, environment)) for each in running]


def _address(instance: ec2.Instance | None, environment: Environment) -> str:
    return instance.addresses.get(environment.ssh_attribute, "") if instance else ""


def _roles(environment: Environment) -> tuple[str, ...]:
    """Return the roles whose servers commands can be sent to; managed databases and caches have no shell."""
    worker = environment.roles.get(WORKER)
    return (WEB, WORKER) if worker and worker.count else (WEB,)


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (word.strip() for word in re.split("[,;]", text))))
