"""Addresses of S3 objects that are signed in advance.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from .session import Aws

_SECONDS = 3600


class SignedAddresses:
    """Addresses in one bucket, for an hour or as long as the deployer's credentials last; making one is no call."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        self._aws = aws
        self._bucket = bucket

    def upload(self, key: str, sha256: str) -> tuple[str, Mapping[str, str]]:
        """Return where to PUT a new object and the headers that are signed with it: S3 refuses any other content."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        with self._aws.calling(f"sign an address of s3://{self._bucket}/{key}"):
            url = self._aws.client("s3").generate_presigned_url(
                "put_object",
                Params={"Bucket": self._bucket, "Key": key, "ChecksumSHA256": checksum, "IfNoneMatch": "*"},
                ExpiresIn=_SECONDS,
            )
        return url, {"x-amz-checksum-sha256": checksum, "if-none-match": "*"}

    def download(self, key: str) -> str:
        """Return where to GET an object."""
        with self._aws.calling(f"sign an address of s3://{self._bucket}/{key}"):
            return self._aws.client("s3").generate_presigned_url(
                "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=_SECONDS
            )
