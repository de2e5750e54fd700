"""The bundle store in S3: one bucket per account and region, private, made at first use and kept.

Writing on a condition: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import UsageError
from ..releases.store import Stored, no_object
from .bucket_protection import tls_policy
from .session import Aws
from .translate import Missing, Refused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CONFLICTS = 8  # times that a write is repeated when S3 says that another one to the same key is under way
_SHA256 = "sha256"


def bucket_name(aws: Aws) -> str:
    """Return the name of the environment's bundle bucket, with the account filled in."""
    template = aws.environment.names.bucket
    if "{account}" not in template:
        return template
    return template.replace("{account}", aws.caller.account)


class S3Store:
    """A bundle store in a bucket, which is made when the first object is put."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        self._aws = aws
        self.bucket = bucket

    @property
    def _client(self) -> S3Client:
        return self._aws.client("s3")

    def put_new(self, key: str, path: Path, sha256: str) -> bool:
        try:
            return self._put(key, path, sha256)
        except Missing:
            self._create()
            return self._put(key, path, sha256)

    def get(self, key: str) -> bytes:
        try:
            with self._aws.calling(f"read s3://{self.bucket}/{key}"):
                return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except Missing as error:
            raise no_object(f"s3://{self.bucket}/{key}") from error

    def save(self, key: str, out: IO[bytes]) -> str:
        """Write an object's content to a file as it comes, and return its SHA-256; `UsageError` when there is none."""
        digest = hashlib.sha256()
        try:
            with self._aws.calling(f"read s3://{self.bucket}/{key}"):
                for chunk in self._client.get_object(Bucket=self.bucket, Key=key)["Body"].iter_chunks(1 << 20):
                    digest.update(chunk)
                    out.write(chunk)
        except Missing as error:
            raise no_object(f"s3://{self.bucket}/{key}") from error
        return digest.hexdigest()

    def find(self, key: str) -> Stored | None:
        try:
            with self._aws.calling(f"look for s3://{self.bucket}/{key}"):
                head = self._client.head_object(Bucket=self.bucket, Key=key)
        except Missing:
            return None
        return Stored(key, head["Metadata"].get(_SHA256, ""), head["ContentLength"])

    def list(self, prefix: str) -> tuple[str, ...]:
        pages = self._client.get_paginator("list_objects_v2")
        try:
            with self._aws.calling(f"list s3://{self.bucket}/{prefix}"):
                found = pages.paginate(Bucket=self.bucket, Prefix=prefix)
                return tuple(one["Key"] for page in found for one in page.get("Contents", ()))
        except Missing:
            return ()

    def _put(self, key: str, path: Path, sha256: str) -> bool:
        """Put an object unless its key is taken; S3 itself refuses content with another SHA-256.

        A write that is repeated because its answer was lost finds its own object: not stored, and as wanted.
        """
        for attempt in range(_CONFLICTS):
            try:
                with self._aws.calling(f"store s3://{self.bucket}/{key}"), path.open("rb") as content:
                    self._client.put_object(
                        Bucket=self.bucket,
                        Key=key,
                        Body=content,
                        IfNoneMatch="*",
                        ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
                        Metadata={_SHA256: sha256},
                    )
                return True
            except Refused as error:
                if error.code == "PreconditionFailed":
                    return False
                if error.code != "ConditionalRequestConflict" or attempt == _CONFLICTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _create(self) -> None:
        """Make the bucket as nobody but the account may read it, and as nothing in it is ever lost."""
        what = f"create the bucket {self.bucket}"
        place: Any = {"CreateBucketConfiguration": {"LocationConstraint": self._aws.region}}
        try:
            with self._aws.calling(what):
                # us-east-1 is the one region that must not be named.
                self._client.create_bucket(Bucket=self.bucket, **({} if self._aws.region == "us-east-1" else place))
        except Refused as error:
            if error.code == "BucketAlreadyExists":
                seen = "another AWS account has a bucket of this name"
                raise UsageError(what, seen, "Choose another name: `bucket` in fabulaws-config.yml") from error
            if error.code not in {"BucketAlreadyOwnedByYou", "OperationAborted"}:
                raise
        with self._aws.calling(f"secure the bucket {self.bucket}"):
            self._client.get_waiter("bucket_exists").wait(
                Bucket=self.bucket, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
            )
            self._secure()

    def _secure(self) -> None:
        self._client.put_bucket_policy(Bucket=self.bucket, Policy=tls_policy(self.bucket))
        self._client.put_public_access_block(
            Bucket=self.bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
        self._client.put_bucket_encryption(
            Bucket=self.bucket,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )
        self._client.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
