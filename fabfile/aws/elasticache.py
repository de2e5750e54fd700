"""ElastiCache: one cache."""

from __future__ import annotations

from dataclasses import dataclass

from .session import Aws


@dataclass(frozen=True)
class Cache:
    """A replication group; `status` is ElastiCache's word, `nodes` the primary and its replicas."""

    id: str
    status: str
    node_type: str
    nodes: int
    encrypted: bool  # in transit and at rest
    address: str


def cache(aws: Aws, id_: str) -> Cache:
    """Return the cache; raises `Missing` if there is none of that id."""
    with aws.calling(f"describe the cache {id_}"):
        found = aws.client("elasticache").describe_replication_groups(ReplicationGroupId=id_)["ReplicationGroups"][0]
    groups = found.get("NodeGroups", [])
    endpoint = groups[0].get("PrimaryEndpoint", {}) if groups else {}
    return Cache(
        id=id_,
        status=found.get("Status", ""),
        node_type=found.get("CacheNodeType", ""),
        nodes=len(found.get("MemberClusters", [])),
        encrypted=bool(found.get("TransitEncryptionEnabled") and found.get("AtRestEncryptionEnabled")),
        address=f"{endpoint.get('Address', '')}:{endpoint.get('Port', '')}",
    )
