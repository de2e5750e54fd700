"""Launch configs: numbered versions of a launch template, named by their VersionDescription."""

from __future__ import annotations

import base64
import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ..errors import UsageError
from .session import Aws
from .translate import Missing

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import LaunchTemplateVersionTypeDef, RequestLaunchTemplateDataTypeDef, TagTypeDef

BASE = "base"  # the VersionDescription of what the stack's template makes
_MARK = "lt-"
_SAME_NAME = 100


@dataclass(frozen=True)
class LaunchConfig:
    """One version of a launch template; `id` is "lt-…:N", `created` seconds since the epoch.

    `shape` is all but its user data, as text: two versions of one shape make the same kind of servers.
    """

    id: str
    name: str
    created: float
    user_data: str
    shape: str = ""


@dataclass(frozen=True)
class Template:
    """A launch template by its id and name, with its tags."""

    id: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NewTemplate:
    """A launch template to make; `data` is in AWS's words and may hold secrets in its user data: it is never shown."""

    name: str
    description: str  # of its version 1
    data: Mapping[str, object] = field(repr=False)
    tags: Mapping[str, str]


def named_templates(aws: Aws, names: Sequence[str]) -> tuple[Template, ...]:
    """Return those launch templates that have one of these names, at most 200."""
    with aws.calling(f"look for the launch template {names[0]}"):
        found = aws.client("ec2").describe_launch_templates(
            Filters=[{"Name": "launch-template-name", "Values": list(names)}]
        )["LaunchTemplates"]
    return tuple(
        Template(
            each["LaunchTemplateId"],
            each["LaunchTemplateName"],
            {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])},
        )
        for each in found
    )


def create_template(aws: Aws, wanted: NewTemplate) -> str:
    """Make a launch template and return its version 1, "lt-…:1".

    Idempotent by a client token made of all that it is to be. Raises `Refused` for a name that is taken.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
    """
    told = json.dumps([wanted.name, wanted.data, sorted(wanted.tags.items())], sort_keys=True, default=str)
    tags: list[TagTypeDef] = [{"Key": key, "Value": value} for key, value in wanted.tags.items()]
    with aws.calling(f"make the launch template {wanted.name}"):
        made = aws.client("ec2").create_launch_template(
            LaunchTemplateName=wanted.name,
            VersionDescription=wanted.description,
            ClientToken=hashlib.sha256(told.encode()).hexdigest(),
            LaunchTemplateData=cast("RequestLaunchTemplateDataTypeDef", wanted.data),
            TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags}],
        )["LaunchTemplate"]
    return f"{made['LaunchTemplateId']}:1"


def resolve_version(aws: Aws, template: str, version: str) -> str:
    """Return the number that "$Latest" or "$Default" stands for now; raises `Missing` for a template that is gone."""
    with aws.calling(f"read the version {version} of the launch template {template}"):
        found = aws.client("ec2").describe_launch_template_versions(LaunchTemplateId=template, Versions=[version])
    return str(found["LaunchTemplateVersions"][0]["VersionNumber"])


def versions(aws: Aws, template: str) -> tuple[LaunchConfig, ...]:
    """Return all versions of the template of that name (or id), the newest first; none if it is not there."""
    return tuple(sorted(_versions(aws, template), key=_number, reverse=True))


def read_launch_config(aws: Aws, launch_config: str) -> LaunchConfig:
    """Return one version by its id, "lt-…:N"; raises `UsageError` if there is none."""
    template, _, version = launch_config.partition(":")
    what = f"use the launch config {launch_config}"
    try:
        with aws.calling(what):
            found = aws.client("ec2").describe_launch_template_versions(LaunchTemplateId=template, Versions=[version])[
                "LaunchTemplateVersions"
            ]
    except Missing as error:
        raise UsageError(what, error.seen, "See `fab history` for those that were deployed") from error
    if not found:
        raise UsageError(what, "there is no such version", "See `fab history` for those that were deployed")
    return _config(found[0])


def find_launch_config(aws: Aws, template: str, wanted: str) -> LaunchConfig:
    """Resolve a launch config's name, or "lt-…:N".

    Raises `UsageError` with the nearest names for an unknown one.
    """
    if wanted.startswith(_MARK) and ":" in wanted:
        return read_launch_config(aws, wanted)
    known = [each for each in versions(aws, template) if each.name]
    for each in known:
        if each.name == wanted:
            return each
    names = [each.name for each in known]
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.6) or names[:3]
    raise UsageError(
        f"use the launch config {wanted!r}",
        f"the launch template {template} has none of that name",
        f"The nearest are: {', '.join(near)}" if near else "Make one: create_launch_config_for_deployment",
    )


def free_name(aws: Aws, templates: Sequence[str], wanted: str) -> str:
    """Return `wanted`, or with -2, -3 … after it when that name is taken in any of the templates."""
    taken = {each.name for template in templates for each in versions(aws, template)}
    names = [wanted, *(f"{wanted}-{number}" for number in range(2, _SAME_NAME))]
    return next(name for name in names if name not in taken)


def create_version(aws: Aws, template: str, name: str, user_data: str, source: str) -> LaunchConfig:
    """Make a version with this user data, everything else as in the version numbered `source`.

    Idempotent by a client token made of the name and the user data.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html
    """
    encoded = base64.b64encode(user_data.encode()).decode()
    token = hashlib.sha256(f"{template}\n{name}\n{encoded}".encode()).hexdigest()
    with aws.calling(f"create the launch config {name}"):
        made = aws.client("ec2").create_launch_template_version(
            **_named(template),
            SourceVersion=source,
            VersionDescription=name,
            ClientToken=token,
            LaunchTemplateData={"UserData": encoded},
        )["LaunchTemplateVersion"]
    return _config(made)


def base_version(aws: Aws, template: str, live: str = "") -> str:
    """Return the number of the version that launch configs are made from: all of it but its user data.

    It is the newest one that the stack made. A template of somebody else's has none: there it is the one numbered
    `live`, which the group launches now. Raises `UsageError` when there is no such template.
    """
    found = versions(aws, template)
    if not found:
        raise UsageError(
            f"make a launch config of {template}", "there is no such launch template", "Run create_environment first"
        )
    bases = [each for each in found if each.name == BASE] or [each for each in found if _number(each) == int(live or 0)]
    return str(_number((bases or found[-1:])[0]))


def _versions(aws: Aws, template: str) -> Iterator[LaunchConfig]:
    by = _named(template)
    try:
        with aws.calling(f"read the versions of the launch template {template}"):
            pages = aws.client("ec2").get_paginator("describe_launch_template_versions")
            for page in pages.paginate(**by, PaginationConfig={"PageSize": 200}):
                yield from map(_config, page["LaunchTemplateVersions"])
    except Missing:
        return


def _named(template: str) -> Any:
    """Return the argument that names a template, by its id or by its name."""
    return {"LaunchTemplateId" if template.startswith(_MARK) else "LaunchTemplateName": template}


def _config(version: LaunchTemplateVersionTypeDef) -> LaunchConfig:
    data = {**version.get("LaunchTemplateData", {})}
    user_data = str(data.pop("UserData", ""))
    return LaunchConfig(
        id=f"{version['LaunchTemplateId']}:{version['VersionNumber']}",
        name=version.get("VersionDescription", ""),
        created=version["CreateTime"].timestamp(),
        user_data=base64.b64decode(user_data).decode("utf-8", "replace"),
        shape=json.dumps(data, sort_keys=True, default=str),
    )


def _number(config: LaunchConfig) -> int:
    return int(config.id.rsplit(":", 1)[-1])
