"""The permissions that the tests need of a real account: the policy in the docs, held to what was called."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

POLICY = Path(__file__).resolve().parents[2] / "docs" / "conformance-policy.json"
_NAMED_OTHERWISE = {  # calls whose permission is called otherwise
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
}


def permission(call: str) -> str:
    """Return the permission that a call needs."""
    return _NAMED_OTHERWISE.get(call, call)


def missing(called: Collection[str]) -> list[str]:
    """Return the permissions that the policy in the docs lacks."""
    statements = json.loads(POLICY.read_text())["Statement"]
    allowed = {action for statement in statements for action in statement["Action"]}
    return sorted({permission(call) for call in called} - allowed)
