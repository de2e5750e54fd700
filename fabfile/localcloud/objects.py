"""S3 where moto answers otherwise than AWS: content whose SHA-256 is not the one told is not stored."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from moto.s3.exceptions import S3ClientError
from moto.s3.responses import S3Response

from .patches import Patch


def object_patches() -> Iterator[Patch]:
    """The replaced operations of S3."""
    original = S3Response.put_object

    def put_object(response: Any) -> Any:
        """See https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html"""
        told = response.headers.get("x-amz-checksum-sha256")
        if told and told != base64.b64encode(hashlib.sha256(response.body or b"").digest()).decode():
            raise S3ClientError("BadDigest", "The SHA256 you specified did not match the calculated checksum.")
        return original(response)

    yield Patch(S3Response, "put_object", put_object)
