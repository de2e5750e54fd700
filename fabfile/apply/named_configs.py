"""Find the launch config that a user named, in every group that it is to be deployed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..aws.launch_templates import LaunchConfig, find_launch_config
from ..aws.session import Aws
from ..config.environment import Environment
from ..errors import UsageError
from ..rollout.model import Group
from .launch_configs import LaunchConfigMaker, check_rolled_out_by, group_of, release_of


@dataclass(frozen=True)
class Target:
    """What is rolled out: a name, the commit and the release behind it, and the launch config of each group.

    `missing` are groups that have none of that name yet, but that can be given one with the same release.
    """

    name: str
    commit: str
    release: str
    configs: Mapping[str, str]  # from a group to "lt-…:N"
    missing: tuple[str, ...] = field(default=())


def named_target(
    aws: Aws, maker: LaunchConfigMaker, environment: Environment, wanted: str, groups: Mapping[str, Group]
) -> Target:
    """Return what "wanted", a launch config's name or "lt-…:N", is in these groups.

    Raises `UsageError` for one that none of them has, for one that is not of their web servers, and for one that some
    of them lack and that holds no release of ours to make it from.
    """
    found: dict[str, LaunchConfig] = {}
    for name, group in groups.items():
        config = _in_group(aws, maker, wanted, group)
        if config is not None:
            found[name] = config
    if not found:
        first = next(iter(groups.values()))
        config = find_launch_config(aws, _template(first), wanted)
        found[first.name] = config  # of another group or place: the check below says which
    for name, config in found.items():
        check_rolled_out_by(config, environment, name, groups[name].launch_config)
    config = next(iter(found.values()))
    release = release_of(config)
    missing = tuple(name for name in groups if name not in found)
    if missing and not (release and config.name):
        raise UsageError(
            f"deploy the launch config {wanted} to {', '.join(missing)}",
            "it is not one of theirs, and holds no release to make one from",
            f"Deploy it to {', '.join(found)} alone: --groups {','.join(found)}",
        )
    commit = maker.stored(release).commit if release else ""
    return Target(config.name, commit, release, {name: each.id for name, each in found.items()}, missing)


def _in_group(aws: Aws, maker: LaunchConfigMaker, wanted: str, group: Group) -> LaunchConfig | None:
    """Return the group's launch config of that name, or the one of that id or of the name behind it."""
    if not wanted.startswith("lt-") or ":" not in wanted:
        return maker.find(wanted, group.name)
    config = find_launch_config(aws, _template(group), wanted)
    if config.id.partition(":")[0] == _template(group) and group_of(config) in ("", group.name):
        return config
    return maker.find(config.name, group.name) if config.name else None


def _template(group: Group) -> str:
    return group.launch_config.partition(":")[0]
