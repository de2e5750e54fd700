"""Launch templates as EC2 has them: every version's user data, and SourceVersion as what a version starts from."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.responses.launch_templates import LaunchTemplates

from .patches import Patch
from .refusal import Refusal

USER_DATA_LIMIT = 16 * 1024
PAGE = 200


def launch_template_patches() -> Iterator[Patch]:
    """The operations that make versions."""
    create = LaunchTemplate.create_version
    respond = LaunchTemplates.create_launch_template_version

    def create_version(template: Any, data: dict[str, Any] | None, description: str) -> Any:
        """Take user data in whatever form the caller has it; a version's description is its own."""
        return create(template, with_user_data(data or {}), description)

    def create_launch_template_version(response: LaunchTemplates) -> ActionResult:
        source = response._get_param("SourceVersion")
        if source:
            template = named_template(response.ec2_backend, response._get_param)
            base = template.get_version(source).data
            given = response.params.get("LaunchTemplateData") or {}
            response.params["LaunchTemplateData"] = {**base, **given}
        return respond(response)

    def get_version(template: Any, number: Any) -> Any:
        return resolve(template, number)

    for operation, key in (
        ("describe_launch_template_versions", "LaunchTemplateVersions"),
        ("describe_launch_templates", "LaunchTemplates"),
    ):
        yield Patch(LaunchTemplates, operation, paged(getattr(LaunchTemplates, operation), key))
    yield Patch(LaunchTemplate, "create_version", create_version)
    yield Patch(LaunchTemplate, "get_version", get_version)
    yield Patch(LaunchTemplates, "create_launch_template_version", create_launch_template_version)


def paged(original: Callable[[Any], ActionResult], key: str) -> Callable[[Any], ActionResult]:
    """Answer page by page what moto cuts off after 15.

    See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html
    """

    def answer(response: Any) -> ActionResult:
        size = int(response._get_param("MaxResults") or PAGE)
        start = int(response._get_param("NextToken") or 0)
        response.params["MaxResults"] = 10**6
        result: Any = original(response).result
        items = list(result[key])
        more = str(start + size) if start + size < len(items) else None
        return ActionResult({key: items[start : start + size], "NextToken": more})

    return answer


def with_user_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Copy template data with its user data checked as EC2 does: base64, and 16 KB at most once decoded.

    See https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
    """
    text = data.get("UserData")
    result = {key: value for key, value in data.items() if key != "UserData"}
    if not text:
        return result
    try:
        decoded = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from None
    if len(decoded) > USER_DATA_LIMIT:
        raise Refusal("InvalidParameterValue", f"User data is limited to {USER_DATA_LIMIT} bytes")
    return {**result, "UserData": Base64EncodedString(str(text))}


def resolve(template: Any, number: Any) -> Any:
    """The version that a number, $Latest or $Default means; Refusal for one that isn't there."""
    name = str(number if number is not None else "$Default").lower()
    if name == "$latest":
        return template.versions[-1]
    if name == "$default":
        name = str(template.default_version_number)
    for version in template.versions:
        if str(version.number) == name:
            return version
    raise Refusal(
        "InvalidLaunchTemplateId.VersionNotFound",
        f"Could not find launch template version {number} for the launch template {template.id}",
    )


def named_template(backend: Any, param: Any) -> Any:
    """The template that a request names by id or by name."""
    if param("LaunchTemplateId"):
        return backend.get_launch_template(param("LaunchTemplateId"))
    return backend.get_launch_template_by_name(param("LaunchTemplateName"))
