"""AWS Signature Version 4, for requests whose body is at hand.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of the instance's role; `expires` in seconds since the epoch."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)
    expires: float = float("inf")


@dataclass(frozen=True)
class Scope:
    """What a signature is valid for."""

    service: str
    region: str


def signed_headers(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    scope: Scope,
    credentials: Credentials,
    now: float,
) -> dict[str, str]:
    """Return `headers` with Host, X-Amz-Date, the session token and Authorization added.

    `url` must be encoded already: S3 signs the path as it is sent, and the other services are only asked for "/".
    """
    parts = urlsplit(url)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    payload = hashlib.sha256(body).hexdigest()
    signed = {**headers, "Host": parts.netloc, "X-Amz-Date": stamp}
    if credentials.token:
        signed["X-Amz-Security-Token"] = credentials.token
    if scope.service == "s3":
        signed["X-Amz-Content-SHA256"] = payload
    canonical = {name.lower(): " ".join(value.split()) for name, value in signed.items()}
    names = ";".join(sorted(canonical))
    request = "\n".join(
        (
            method,
            parts.path or "/",
            _canonical_query(parts.query),
            *(f"{name}:{canonical[name]}" for name in sorted(canonical)),
            "",
            names,
            payload,
        )
    )
    date = stamp[:8]
    reach = f"{date}/{scope.region}/{scope.service}/aws4_request"
    text = "\n".join((ALGORITHM, stamp, reach, hashlib.sha256(request.encode()).hexdigest()))
    signature = hmac.new(_key(credentials, date, scope), text.encode(), hashlib.sha256).hexdigest()
    signed["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{reach}, SignedHeaders={names}, Signature={signature}"
    )
    return signed


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = [pair.partition("=") for pair in query.split("&")]
    encoded = [(quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")) for name, _, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _key(credentials: Credentials, date: str, scope: Scope) -> bytes:
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (date, scope.region, scope.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
