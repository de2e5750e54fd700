"""Objects of the bundle store: fetched to a file, gone on with after a broken connection, verified."""

from __future__ import annotations

import hashlib
import http.client
import os
from pathlib import Path

from .calls import Services
from .failures import OutOfReachError, RefusedError, ServerError
from .transfer import BROKEN, opened

CHUNK = 1 << 18


def fetch(services: Services, bucket: str, key: str, sha256: str, target: Path) -> None:
    """Write an object to `target`, which appears only once its SHA-256 is the expected one.

    Raises RefusedError when S3 says no, OutOfReachError when it does not answer, ServerError for another content.
    """
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        _download(services, bucket, key, partial)
        seen = digest(partial)
        if seen != sha256:
            raise ServerError(
                f"use s3://{bucket}/{key}",
                f"its SHA-256 is {seen}, expected was {sha256}",
                "The object was changed after it was uploaded: build the release again",
            )
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def digest(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            found.update(chunk)
    return found.hexdigest()


def _download(services: Services, bucket: str, key: str, partial: Path) -> None:
    url = services.object_url(bucket, key)
    seen = ""
    for _ in services.backoff.turns():
        have = partial.stat().st_size if partial.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        try:
            with opened("GET", url, services.signed("s3", "GET", url, headers), timeout=20.0) as response:
                seen = _receive(response, partial, have)
        except BROKEN as error:
            seen = str(error) or type(error).__name__
        if not seen:
            return
        if seen.startswith("S3 answered 4"):
            raise RefusedError(
                f"fetch s3://{bucket}/{key}", seen, "Is the object there, and may the instance's role read it?"
            )
    raise OutOfReachError(f"fetch s3://{bucket}/{key}", seen)


def _receive(response: http.client.HTTPResponse, partial: Path, have: int) -> str:
    """Append the body to the partial file (or begin it again); return "" or what was wrong."""
    if response.status == 416:
        return ""  # nothing is left to fetch: the checksum decides
    if response.status not in {200, 206}:
        response.read(CHUNK)
        return f"S3 answered {response.status}"
    expected = response.length
    received = 0
    with partial.open("ab" if have and response.status == 206 else "wb") as file:
        for chunk in iter(lambda: response.read(CHUNK), b""):
            file.write(chunk)
            received += len(chunk)
    if expected is not None and received < expected:
        return f"the connection ended after {received} of {expected} bytes"
    return ""
