"""Pure: what an environment keeps things in is there, protected, and reached by those who need it."""

from __future__ import annotations

from collections.abc import Iterator

from ..aws.rds import Database
from ..aws.secretsmanager import Secret
from ..config.environment import Environment
from .findings import Finding, Verdict, create, hold
from .rotation import due_soon, far_off
from .seen import Seen, Unknown, has


def judge_stores(seen: Seen, environment: Environment) -> Iterator[Finding]:
    """Yield the findings on database, cache, secrets, bucket and table."""
    again = create(environment.place)
    if has(environment, "db-primary"):
        yield from _database(seen.database, environment, again)
    if has(environment, "cache"):
        yield from _cache(seen, environment, again)
    for name, secret in seen.secrets.items():
        yield _secret(name, secret, seen.now, again)
    yield from _bucket(seen, environment)
    bad = "" if seen.table else f"there is none called {environment.names.table}"
    yield hold("lock and ledger", "table", environment.names.table, bad, "The next deploy makes it")


def _database(found: Database | Unknown | None, environment: Environment, again: str) -> Iterator[Finding]:
    part = f"database {environment.names.stack}-db"
    if found is None or isinstance(found, Unknown):
        yield _unseen(part, found, again)
        return
    yield hold(
        part, "state", found.status, "" if found.status == "available" else f"it is {found.status}", "Wait for it"
    )
    role = environment.roles["db-primary"]
    wanted = f"db.{role.instance_type.removeprefix('db.')}, {role.volume_size} GiB"
    is_ = f"{found.instance_class}, {found.storage} GiB"
    yield hold(part, "size", is_, "" if is_ == wanted else f"{is_}, and the config says {wanted}", again)
    public = "the internet may reach it" if found.public else "its storage is not encrypted"
    yield hold(part, "protection", "private, encrypted", public if found.public or not found.encrypted else "", again)


def _cache(seen: Seen, environment: Environment, again: str) -> Iterator[Finding]:
    found = seen.cache
    if found is None or isinstance(found, Unknown):
        yield _unseen("cache", found, again)
        return
    part = f"cache {found.id}"
    yield hold(
        part, "state", found.status, "" if found.status == "available" else f"it is {found.status}", "Wait for it"
    )
    role = environment.roles["cache"]
    wanted = f"{role.count} of cache.{role.instance_type.removeprefix('cache.')}"
    is_ = f"{found.nodes} of {found.node_type}"
    yield hold(part, "size", is_, "" if is_ == wanted else f"{is_}, and the config says {wanted}", again)
    bad = "" if found.encrypted else "it is not encrypted in transit and at rest"
    yield hold(part, "protection", "encrypted in transit and at rest", bad, again)


def _secret(name: str, found: Secret | Unknown | None, now: float, again: str) -> Finding:
    if found is None or isinstance(found, Unknown):
        return _unseen("secrets", found, again, name)
    days = (found.rotates - now) / 86400
    rules = f'{{"ScheduleExpression": "{far_off(now)}"}}'
    if not due_soon(found.rotates, now):
        return Finding("secrets", name, Verdict.OK, f"changed in {days:.0f} days" if found.rotates else "there")
    return Finding(
        "secrets",
        name,
        Verdict.NG,
        f"it is changed in {max(days, 0.0):.0f} days, and servers that run by then keep the old one",
        f"Deploy right after that, or put it off: aws secretsmanager rotate-secret --no-rotate-immediately "
        f"--rotation-rules '{rules}' --secret-id {found.arn}",
    )


def _bucket(seen: Seen, environment: Environment) -> Iterator[Finding]:
    part = "releases"
    if seen.bucket is None or isinstance(seen.bucket, Unknown):
        yield _unseen(part, seen.bucket, "The next release makes it", "bucket")
    else:
        bad = "" if seen.bucket.tls else "its policy lets requests in that are not by TLS"
        yield hold(part, "TLS", "demanded by the bucket's policy", bad, "Deny what has aws:SecureTransport false")
        bad = "" if seen.bucket.private else "its policy may make it public"
        yield hold(part, "public access", "blocked", bad, "Block public access in the bucket's permissions")
    if isinstance(seen.reads_releases, Unknown):
        yield Finding(part, "read by servers", Verdict.SKIP, seen.reads_releases.why)
    else:
        bad = "" if seen.reads_releases else "the servers' role may not read releases of this deployment"
        yield hold(part, "read by servers", "allowed", bad, create(environment.place))


def _unseen(part: str, found: Unknown | None, again: str, what: str = "there") -> Finding:
    if isinstance(found, Unknown):
        return Finding(part, what, Verdict.SKIP, found.why)
    return Finding(part, what, Verdict.NG, "there is none", again)
