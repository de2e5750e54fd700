"""RDS: one database instance."""

from __future__ import annotations

from dataclasses import dataclass

from .session import Aws


@dataclass(frozen=True)
class Database:
    """A database instance; `status` is RDS's word, `storage` GiB."""

    id: str
    status: str
    instance_class: str
    storage: int
    encrypted: bool
    public: bool
    secret: str  # ARN of the master password that RDS keeps; "" where somebody else does
    security_groups: tuple[str, ...]


def database(aws: Aws, identifier: str) -> Database:
    """Return the database; raises `Missing` if there is none of that name."""
    with aws.calling(f"describe the database {identifier}"):
        found = aws.client("rds").describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
    return Database(
        id=identifier,
        status=found.get("DBInstanceStatus", ""),
        instance_class=found.get("DBInstanceClass", ""),
        storage=found.get("AllocatedStorage", 0),
        encrypted=bool(found.get("StorageEncrypted")),
        public=bool(found.get("PubliclyAccessible")),
        secret=found.get("MasterUserSecret", {}).get("SecretArn", ""),
        security_groups=tuple(each["VpcSecurityGroupId"] for each in found.get("VpcSecurityGroups", [])),
    )
