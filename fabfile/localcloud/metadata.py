"""What the instance metadata service says about a machine: documents only, no server.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from .contract import MachineSpec

ACCOUNT = "123456789012"  # moto's
_CREDENTIALS_LAST = timedelta(hours=6)


def answer(spec: MachineSpec, tags: Mapping[str, str], path: str, now: datetime) -> bytes | None:
    """Return the document at a path below `/latest/`, a folder's listing, or None for 404."""
    documents = _documents(spec, tags, now)
    wanted = path.strip("/")
    if wanted in documents:
        return documents[wanted]
    prefix = f"{wanted}/" if wanted else ""
    below = {name.removeprefix(prefix) for name in documents if name.startswith(prefix)}
    if not below:
        return None
    entries = {f"{name.partition('/')[0]}/" if "/" in name else name for name in below}
    return "\n".join(sorted(entries)).encode()


def _documents(spec: MachineSpec, tags: Mapping[str, str], now: datetime) -> dict[str, bytes]:
    host = f"ip-{spec.address.replace('.', '-')}.ec2.internal"
    texts = {
        "ami-id": spec.ami or "ami-00000000000000000",
        "hostname": host,
        "instance-id": spec.id,
        "instance-life-cycle": "on-demand",
        "instance-type": spec.instance_type or "t3.micro",
        "local-hostname": host,
        "local-ipv4": spec.address,
        "placement/availability-zone": spec.zone,
        "placement/region": spec.region,
        "services/domain": "amazonaws.com",
    }
    if spec.role:
        texts[f"iam/security-credentials/{spec.role}"] = _credentials(spec, now)
    if spec.tags_in_metadata:
        texts |= {f"tags/instance/{name}": value for name, value in tags.items()}
    documents = {f"meta-data/{name}": text.encode() for name, text in texts.items()}
    documents["dynamic/instance-identity/document"] = _identity(spec).encode()
    if spec.user_data:
        documents["user-data"] = spec.user_data
    return documents


def key_id_of(machine: str) -> str:
    """Return the access key id that a machine's metadata service gives out."""
    return f"ASIALOCAL{machine.removeprefix('i-').upper()[:11]:0<11}"


def _credentials(spec: MachineSpec, now: datetime) -> str:
    """Return credentials that open nothing but the embedded cloud, which checks the key's id and no signature."""
    document = {
        "Code": "Success",
        "LastUpdated": _iso(now),
        "Type": "AWS-HMAC",
        "AccessKeyId": key_id_of(spec.id),
        "SecretAccessKey": "embedded-cloud",
        "Token": "embedded-cloud",
        "Expiration": _iso(now + _CREDENTIALS_LAST),
    }
    return json.dumps(document, indent=2)


def _identity(spec: MachineSpec) -> str:
    document = {
        "accountId": ACCOUNT,
        "architecture": "x86_64",
        "availabilityZone": spec.zone,
        "imageId": spec.ami,
        "instanceId": spec.id,
        "instanceType": spec.instance_type,
        "privateIp": spec.address,
        "region": spec.region,
        "version": "2017-09-30",
    }
    return json.dumps(document, indent=2)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
