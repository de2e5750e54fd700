"""Look at groups that were made by hand, through clients that only read."""

from __future__ import annotations

import base64
import difflib
import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

from ..apply.launch_configs import HOOK
from ..aws import elb, elbv2
from ..aws.group_settings import GroupSettings, find_group_settings, tags_of_groups
from ..aws.launch_configurations import LaunchConfiguration, find_launch_configuration
from ..aws.launch_templates import named_templates, read_launch_config, resolve_version
from ..aws.permissions import profile_may
from ..aws.s3 import bucket_name
from ..aws.session import Aws
from ..aws.translate import Missing
from ..config.environment import Environment, Provider
from ..errors import UsageError
from ..releases.target import target_of
from .decision import template_names
from .model import Balancer, Expected, Launches, Seen

_NAMES_LOOKED_AT = 20  # of a new launch template


def expected_of(aws: Aws, environment: Environment) -> Expected:
    """Return what the config says of the environment's groups."""
    local = environment.provider is Provider.LOCAL
    return Expected(
        place=f"{environment.deployment},{environment.name}",
        load_balancers=environment.names.load_balancers,
        listener_port=environment.listener_port,
        machine="" if local else target_of(environment).machine,
        releases=f"arn:aws:s3:::{bucket_name(aws)}/{environment.deployment}/*",
        hook=HOOK,
        min_healthy_time=environment.rollout.min_healthy_time,
    )


def see(aws: Aws, environment: Environment, expected: Expected) -> tuple[Seen, ...]:
    """Look at the environment's groups; workers are left out where no group is called as the config says.

    Raises `UsageError`, with the nearest names and those of groups with the environment's tags, for a web group that
    is not there.
    """
    groups = dict.fromkeys(environment.names.auto_scaling_groups, "web")
    worker = environment.roles.get("worker")
    if worker and worker.count:
        groups[environment.names.worker] = "worker"
    found = {name: find_group_settings(aws, name) for name in groups}
    for name, settings in found.items():
        if settings is None and groups[name] == "web":
            raise _not_there(aws, environment, name)
    return tuple(_seen(aws, groups[name], group, expected) for name, group in found.items() if group is not None)


def _not_there(aws: Aws, environment: Environment, name: str) -> UsageError:
    known = tags_of_groups(aws)
    ours = {"deployment": environment.deployment, "environment": environment.name, **environment.tags}
    tagged = [each for each, tags in known.items() if ours.items() <= tags.items()]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    what = f"adopt the autoscaling group {name}"
    where = f"there is none in {aws.where}"
    by_tags = ", ".join(f"{key}={value}" for key, value in ours.items())
    if len(tagged) > 1:
        return UsageError(what, f"{where}, and {', '.join(sorted(tagged))} have its tags ({by_tags})",
                          "Name the one that is meant in auto_scaling_groups")  # fmt: skip
    if tagged:
        return UsageError(what, f"{where}, and {tagged[0]} has its tags ({by_tags})",
                          f"Set auto_scaling_groups: {tagged[0]}")  # fmt: skip
    if near:
        return UsageError(what, where, f"Set auto_scaling_groups; the nearest are: {', '.join(near)}")
    return UsageError(what, where, "Set auto_scaling_groups to its name, or make an environment: create_environment")


def _seen(aws: Aws, role: str, group: GroupSettings, expected: Expected) -> Seen:
    seen = Seen(role, group, balancers=(*_classic(aws, group), *_of_target_groups(aws, group)))
    if group.source.configuration:
        configuration = find_launch_configuration(aws, group.source.configuration)
        if configuration is None:
            return seen
        names = list(islice(template_names(group.name), _NAMES_LOOKED_AT))
        launches = _of_configuration(configuration)
        seen = replace(seen, launches=launches, configuration=configuration, templates=named_templates(aws, names))
    else:
        seen = _of_template(aws, seen)
    profile = seen.launches.profile if seen.launches else ""
    reads = profile_may(aws, profile, "s3:GetObject", expected.releases) if profile else None
    return replace(seen, reads_releases=reads)


def _of_template(aws: Aws, seen: Seen) -> Seen:
    source = seen.group.source
    try:
        live = source.version if source.numbered else resolve_version(aws, source.template, source.version)
        config = read_launch_config(aws, f"{source.template}:{live}")
    except (Missing, UsageError):
        return seen
    data = json.loads(config.shape)
    launches = Launches(
        image=data.get("ImageId", ""),
        instance_type=data.get("InstanceType", ""),
        key=data.get("KeyName", ""),
        profile=_profile(data.get("IamInstanceProfile", {})),
        metadata=data.get("MetadataOptions", {}).get("HttpEndpoint") != "disabled",
        user_data=len(config.user_data.encode()),
    )
    return replace(seen, launches=launches, live=live)


def _of_configuration(configuration: LaunchConfiguration) -> Launches:
    return Launches(
        image=configuration.image,
        instance_type=configuration.instance_type,
        key=configuration.key,
        profile=configuration.profile,
        metadata=configuration.metadata.get("HttpEndpoint") != "disabled",
        user_data=len(base64.b64decode(configuration.user_data)),
    )


def _profile(profile: Mapping[str, str]) -> str:
    return profile.get("Arn") or profile.get("Name", "")


def _classic(aws: Aws, group: GroupSettings) -> tuple[Balancer, ...]:
    found = [elb.find_balancer(aws, name) for name in group.classic_balancers]
    return tuple(Balancer(each.name, "classic", each.dns_name, each.ports, each.check, each.draining) for each in found)


def _of_target_groups(aws: Aws, group: GroupSettings) -> tuple[Balancer, ...]:
    found = [each for arn in group.target_groups for each in elbv2.balancers_before(aws, arn)]
    return tuple(
        Balancer(each.balancer, each.kind, each.dns_name, each.ports, each.check, each.delay, each.target_group)
        for each in found
    )
