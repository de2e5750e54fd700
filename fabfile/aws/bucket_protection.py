"""S3: how the bucket of releases is protected.

Demanding TLS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .session import Aws
from .translate import Missing, Refused

_UNSET = ("NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration")


@dataclass(frozen=True)
class Protection:
    """Whether nobody reaches the bucket without TLS, and nobody makes it public."""

    tls: bool
    private: bool


def tls_policy(bucket: str) -> str:
    """Return the bucket policy that refuses every request that is not by TLS."""
    arn = f"arn:aws:s3:::{bucket}"
    statement = {
        "Sid": "DemandTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def protection(aws: Aws, bucket: str) -> Protection:
    """Return how the bucket is protected; raises `Missing` if there is none."""
    client = aws.client("s3")
    with aws.calling(f"look for the bucket {bucket}"):
        client.head_bucket(Bucket=bucket)
    policy = _unless_unset(aws, bucket, lambda: client.get_bucket_policy(Bucket=bucket))
    block = _unless_unset(aws, bucket, lambda: client.get_public_access_block(Bucket=bucket))
    flags = block.get("PublicAccessBlockConfiguration", {})
    statements = json.loads(policy.get("Policy", "{}")).get("Statement", [])
    return Protection(any(map(_demands_tls, statements)), bool(flags) and all(flags.values()))


def _unless_unset(aws: Aws, bucket: str, ask: Callable[[], Any]) -> Mapping[str, Any]:
    try:
        with aws.calling(f"read how the bucket {bucket} is protected"):
            found: Mapping[str, Any] = ask()
            return found
    except (Missing, Refused) as error:
        if error.code in _UNSET:
            return {}
        raise


def _demands_tls(statement: Mapping[str, Any]) -> bool:
    condition = statement.get("Condition", {}).get("Bool", {})
    return statement.get("Effect") == "Deny" and str(condition.get("aws:SecureTransport", "")).lower() == "false"
