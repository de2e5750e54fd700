"""What a request to the control plane asks for, and on whose behalf: read from the request alone."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

Environ = dict[str, Any]
_OPERATION = re.compile(r"^/service/\w+/operation/(\w+)$")
# Where IAM's name of a service is not the one that requests are signed for.
_IAM_NAMES = {"monitoring": "cloudwatch"}
_TASK = re.compile(r"\bfabscale-task/(\w+)")

# S3 names no operation: method, whether there is a key, and a name in the query say which it is.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
_S3: Mapping[tuple[str, bool, str], str] = {
    ("GET", True, ""): "GetObject",
    ("HEAD", True, ""): "HeadObject",
    ("PUT", True, ""): "PutObject",
    ("DELETE", True, ""): "DeleteObject",
    ("GET", False, "list-type"): "ListObjectsV2",
    ("HEAD", False, ""): "HeadBucket",
    ("PUT", False, ""): "CreateBucket",
    ("DELETE", False, ""): "DeleteBucket",
    ("GET", False, "policy"): "GetBucketPolicy",
    ("GET", False, "publicAccessBlock"): "GetPublicAccessBlock",
    ("PUT", False, "policy"): "PutBucketPolicy",
    ("PUT", False, "encryption"): "PutBucketEncryption",
    ("PUT", False, "publicAccessBlock"): "PutPublicAccessBlock",
    ("PUT", False, "versioning"): "PutBucketVersioning",
}


@dataclass(frozen=True)
class Asked:
    """One request.

    `service` is as IAM calls it (elasticloadbalancing), `operation` "" where nothing tells it; `task` is Fabscale's
    own, "" for everybody else's calls. `given` holds its parameters; S3's are Bucket and Key.
    """

    service: str
    operation: str
    region: str
    key_id: str
    task: str
    given: Mapping[str, Any]


def asked(environ: Environ) -> Asked:
    """Read a request; its body stays readable for whoever is next."""
    key_id, region, service = _scope(environ)
    found = _TASK.search(str(environ.get("HTTP_USER_AGENT", "")))
    operation, given = _s3(environ) if service == "s3" else (action_of(environ), _given(environ))
    return Asked(_IAM_NAMES.get(service, service), operation, region, key_id, found[1] if found else "", given)


def action_of(environ: Environ) -> str:
    """The API action that a request names; "" where only method and path tell (S3)."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return str(target).rpartition(".")[2]
    path = _OPERATION.search(str(environ.get("PATH_INFO", "")))  # CloudWatch's protocol has it there
    if path:
        return path[1]
    return str(_form(environ).get("Action", ""))


def service_of(environ: Environ) -> str:
    """The service that a request is signed for; "" for an unsigned one."""
    return _scope(environ)[2]


def body_of(environ: Environ) -> bytes:
    """Read the request's body and put it back for whoever is next."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _scope(environ: Environ) -> tuple[str, str, str]:
    """Return access key id, region and service that a request is signed with (Credential=KEY/DATE/REGION/SERVICE/…)."""
    _, _, scope = str(environ.get("HTTP_AUTHORIZATION", "")).partition("Credential=")
    if not scope:  # an address that was signed in advance
        scope = parse_qs(str(environ.get("QUERY_STRING", ""))).get("X-Amz-Credential", [""])[0]
    parts = scope.partition(",")[0].split("/")
    return (parts[0], parts[2], parts[3]) if len(parts) > 3 else ("", "", "")


def _given(environ: Environ) -> Mapping[str, Any]:
    if not environ.get("HTTP_X_AMZ_TARGET"):
        return _form(environ)
    try:
        found = json.loads(body_of(environ) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _form(environ: Environ) -> Mapping[str, str]:
    if not str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded"):
        return {}
    return {name: values[0] for name, values in parse_qs(body_of(environ).decode("utf-8", "replace")).items()}


def _s3(environ: Environ) -> tuple[str, Mapping[str, str]]:
    bucket, _, key = unquote(str(environ.get("PATH_INFO", ""))).lstrip("/").partition("/")
    named = {"", *parse_qs(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)}
    like = (str(environ.get("REQUEST_METHOD")), bool(key))
    # What the query names says more than that there is one: a bucket's encryption is put, not a bucket.
    found = [name for (*each, query), name in _S3.items() if tuple(each) == like and query in named]
    return found[-1] if found else "", {"Bucket": bucket, "Key": key}
