"""ElastiCache's records with cache servers behind them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from inspect import signature
from typing import Any, ClassVar

from moto.cloudformation.parsing import get_model_map
from moto.elasticache.models import ElastiCacheBackend, elasticache_backends

from .contract import Caches
from .instances import Background
from .patches import Patch
from .resources import Resource

log = logging.getLogger(__name__)
_ARGUMENTS = tuple(signature(ElastiCacheBackend.create_replication_group).parameters)[1:]  # moto wants all of them
NO_SERVER = "no server runs behind it: this machine has no redis-server"


class CacheRecords:
    """Keep records and servers in step. The control plane's lock guards every method."""

    def __init__(self, caches: Caches, background: Background) -> None:
        self._caches = caches
        self._background = background

    def begin(self, record: Any) -> None:
        """Start a server for a new record, `creating` until it answers; a record alone where servers cannot be had."""
        name = record.replication_group_id
        place = self._caches.place(name)
        if place is None:
            return
        address, record.port = place
        group = record.node_groups[0]
        group["primary_endpoint_address"] = group["reader_endpoint_address"] = address
        group["primary_endpoint"] = {"address": address, "port": record.port}
        record.status = "creating"

        def start() -> None:
            try:
                self._caches.start(name, encrypted=bool(record.transit_encryption_enabled))
            except Exception:  # nobody awaits the result: the log and the record's state tell
                log.exception("the cache server %s did not start", name)
                record.status = "create-failed"
            else:
                record.status = "available"

        self._background(start)

    def end(self, name: str) -> None:
        """End the server of a deleted record."""
        self._background(lambda: self._caches.drop(name))

    @property
    def notice(self) -> str:
        """What is to be said of a new record; "" where a server is behind it."""
        return "" if self._caches.available else NO_SERVER


class CacheResource(Resource):
    """AWS::ElastiCache::ReplicationGroup."""

    records: ClassVar[CacheRecords]

    def __init__(self, record: Any) -> None:
        group = record.node_groups[0]
        endpoint = {
            "PrimaryEndPoint.Address": group["primary_endpoint_address"],
            "PrimaryEndPoint.Port": str(record.port),
            "ReaderEndPoint.Address": group["reader_endpoint_address"],
        }
        super().__init__(record.replication_group_id, endpoint)
        self._record = record
        self.notice = self.records.notice

    @property
    def ready(self) -> bool:
        """Whether its server answers."""
        return bool(self._record.status != "creating")

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> CacheResource:
        """Make the cache."""
        given = cloudformation_json["Properties"]
        backend = elasticache_backends[account_id][region_name]
        nothing = dict.fromkeys(_ARGUMENTS)
        asked = {
            "replication_group_id": str(given.get("ReplicationGroupId") or resource_name).lower()[:40],
            "replication_group_description": given["ReplicationGroupDescription"],
            "engine": given.get("Engine"),
            "cache_node_type": given.get("CacheNodeType"),
            "num_cache_clusters": int(given.get("NumCacheClusters") or 1),
            "replicas_per_node_group": int(given.get("NumCacheClusters") or 1) - 1,
            "automatic_failover_enabled": _true(given.get("AutomaticFailoverEnabled")),
            "multi_az_enabled": _true(given.get("MultiAZEnabled")),
            "transit_encryption_enabled": _true(given.get("TransitEncryptionEnabled")),
            "at_rest_encryption_enabled": _true(given.get("AtRestEncryptionEnabled")),
            "port": int(given.get("Port") or 6379),
            "cache_subnet_group_name": given.get("CacheSubnetGroupName"),
            "security_group_ids": list(given.get("SecurityGroupIds") or ()),
        }
        return cls(backend.create_replication_group(**{**nothing, **asked}))

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Any:
        """Change the node type and the failover; replicas are records."""
        given = cloudformation_json["Properties"]
        record = original_resource._record
        record.cache_node_type = given.get("CacheNodeType")
        for name, key in (("automatic_failover", "AutomaticFailoverEnabled"), ("multi_az", "MultiAZEnabled")):
            setattr(record, name, "enabled" if _true(given.get(key)) else "disabled")
        return original_resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the cache and its server."""
        elasticache_backends[account_id][region_name].replication_groups.pop(self.physical_resource_id, None)
        self.records.end(self.physical_resource_id)


class CacheSubnetsResource(Resource):
    """AWS::ElastiCache::SubnetGroup."""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> CacheSubnetsResource:
        """Make the subnet group."""
        given = cloudformation_json["Properties"]
        name = str(given.get("CacheSubnetGroupName") or resource_name).lower()
        backend = elasticache_backends[account_id][region_name]
        backend.create_cache_subnet_group(name, given["Description"], list(given["SubnetIds"]), [])
        return cls(name, {})

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Any:
        """Keep it: which subnets it names has no effect here."""
        return original_resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the subnet group."""
        elasticache_backends[account_id][region_name].cache_subnet_groups.pop(self.physical_resource_id, None)


def cache_patches(records: CacheRecords) -> Iterator[Patch]:
    """Caches for stacks, and servers for caches however they are made."""
    create, delete = ElastiCacheBackend.create_replication_group, ElastiCacheBackend.delete_replication_group

    def create_replication_group(backend: Any, **kwargs: Any) -> Any:
        record = create(backend, **kwargs)
        records.begin(record)
        return record

    def delete_replication_group(backend: Any, replication_group_id: str, *args: Any, **kwargs: Any) -> Any:
        record = delete(backend, replication_group_id, *args, **kwargs)
        backend.replication_groups.pop(replication_group_id)
        records.end(replication_group_id)
        return record

    yield Patch(ElastiCacheBackend, "create_replication_group", create_replication_group)
    yield Patch(ElastiCacheBackend, "delete_replication_group", delete_replication_group)
    table = get_model_map()
    cache = type("CacheResource", (CacheResource,), {"records": records})
    yield Patch(table, "AWS::ElastiCache::ReplicationGroup", cache, added=True)
    yield Patch(table, "AWS::ElastiCache::SubnetGroup", CacheSubnetsResource, added=True)


def _true(value: Any) -> bool:
    return str(value).lower() == "true"
