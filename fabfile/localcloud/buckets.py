"""Bucket policies where there is no TLS: the embedded cloud is plain HTTP, on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

from .patches import Patch


def bucket_patches() -> Iterator[Patch]:
    """Policies without what they say of TLS; moto knows no conditions and would refuse everything."""
    yield Patch(FakeBucket, "get_permission", _permission)


def _permission(bucket: Any, action: str, resource: str) -> Any:
    policy = json.loads(bucket.policy) if bucket.policy else {}
    kept = [
        statement for statement in policy.get("Statement", ()) if "aws:SecureTransport" not in json.dumps(statement)
    ]
    if not kept:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps({**policy, "Statement": kept})).is_action_permitted(action, resource)
