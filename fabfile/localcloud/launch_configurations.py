"""Launch configurations, as accounts from before 2024-10-01 may still make them: kept exactly as they were asked for.

See https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateLaunchConfiguration.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .groups import moment
from .refusal import Refusal, invalid
from .settings import CloudSettings

USER_DATA_LIMIT = 16 * 1024
_REQUIRED = ("ImageId", "InstanceType")


class LaunchConfigurations:
    """The launch configurations of the account, by name. The control plane's lock guards every method."""

    def __init__(self, settings: CloudSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._records: dict[str, dict[str, Any]] = {}

    def create(self, given: Mapping[str, Any]) -> None:
        """Make one of the request's parameters (in AWS's names); it can never be changed."""
        name = str(given["LaunchConfigurationName"])
        if name in self._records:
            raise Refusal(
                "AlreadyExists",
                f"Launch Configuration by this name already exists - A launch configuration already exists with the "
                f"name {name}",
            )
        missing = [key for key in _REQUIRED if not given.get(key)]
        if missing:
            raise invalid(f"Valid requests must contain either the InstanceID parameter or {' and '.join(missing)}.")
        _check_user_data(str(given.get("UserData") or ""))
        self._records[name] = self._document(name, given)

    def _document(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        arn = (
            f"arn:aws:autoscaling:{self._settings.region}:{self._settings.account}:launchConfiguration:"
            f"00000000-0000-0000-0000-{len(self._records):012d}:launchConfigurationName/{name}"
        )
        answered_always: dict[str, Any] = {
            "SecurityGroups": [],
            "BlockDeviceMappings": [],
            "ClassicLinkVPCSecurityGroups": [],
            "KeyName": "",
            "KernelId": "",
            "RamdiskId": "",
            "UserData": "",
            "EbsOptimized": False,
            "InstanceMonitoring": {"Enabled": True},
        }
        told = {key: value for key, value in given.items() if value is not None}
        made = {"LaunchConfigurationARN": arn, "CreatedTime": moment(self._clock())}
        return {**answered_always, **told, **made}

    def read(self, name: str) -> Mapping[str, Any]:
        """The launch configuration of this name, or AWS's refusal."""
        if name not in self._records:
            raise invalid(f"Launch configuration name not found - Launch configuration {name} not found")
        return self._records[name]

    def chosen(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Those of these names, or all; a name that nothing has is passed over."""
        return [record for name, record in sorted(self._records.items()) if not names or name in names]

    def delete(self, name: str, users: Sequence[str]) -> None:
        """Delete one that no group launches from."""
        self.read(name)
        if users:
            raise Refusal(
                "ResourceInUse",
                f"Cannot delete launch configuration {name} because it is attached to AutoScalingGroup {users[0]}",
            )
        del self._records[name]

    def arguments(self, name: str) -> dict[str, Any]:
        """What EC2 is asked for when an instance is launched from it."""
        record = self.read(name)
        profile = str(record.get("IamInstanceProfile") or "")
        return {
            "image_id": record["ImageId"],
            "user_data": record["UserData"] or None,
            "security_group_names": list(record["SecurityGroups"]),
            "instance_type": record["InstanceType"],
            "is_instance_type_default": False,
            "key_name": record["KeyName"] or None,
            "iam_instance_profile_arn" if profile.startswith("arn:") else "iam_instance_profile_name": profile or None,
            "metadata_options": dict(record.get("MetadataOptions") or {}),
        }


def _check_user_data(text: str) -> None:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Invalid BASE64 encoding of user data") from None
    if len(decoded) > USER_DATA_LIMIT:
        raise invalid(f"User data is limited to {USER_DATA_LIMIT} bytes")
