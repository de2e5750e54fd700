"""Every bundle store keeps the same promises: what is in it never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fabfile.aws.bucket_protection import Protection, protection
from fabfile.aws.s3 import S3Store, bucket_name
from fabfile.aws.session import Aws
from fabfile.aws.translate import ReadOnlyError
from fabfile.errors import UsageError
from fabfile.releases.store import MemoryStore, Store, Stored
from tests.aws.account import account
from tests.releases.repository import an_environment

Put = Callable[[str, bytes], bool]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The endpoint of an account."""
    with account() as url:
        yield url


def session(endpoint: str, folder: Path, read_only: bool = False) -> Aws:
    return Aws(an_environment(folder, folder), endpoint, read_only)


@pytest.fixture(params=["memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each kind; the real one begins without its bucket."""
    if request.param == "memory":
        return MemoryStore()
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:20]
    return S3Store(session(request.getfixturevalue("endpoint"), tmp_path), f"fabscale-{name}")


@pytest.fixture
def put(store: Store, tmp_path: Path) -> Put:
    """Put content into the store."""

    def put(key: str, content: bytes) -> bool:
        sha256 = hashlib.sha256(content).hexdigest()
        path = tmp_path / sha256
        path.write_bytes(content)
        return store.put_new(key, path, sha256)

    return put


def test_a_store_that_was_never_used_is_empty(store: Store) -> None:
    assert store.find("opendebates/x") is None
    assert store.list("opendebates/") == ()
    with pytest.raises(UsageError, match="there is no such object"):
        store.get("opendebates/x")


def test_content_with_another_checksum_than_told_is_not_stored(tmp_path: Path) -> None:
    store = MemoryStore()
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(ValueError, match="another SHA-256"):
        store.put_new("key", tmp_path / "file", hashlib.sha256(b"other").hexdigest())
    assert store.find("key") is None


def test_what_is_stored_is_never_overwritten(store: Store, put: Put) -> None:
    assert put("opendebates/x", b"first")
    assert not put("opendebates/x", b"second")
    assert store.get("opendebates/x") == b"first"


def test_of_many_writers_exactly_one_is_first(store: Store, put: Put) -> None:
    put("other", b"so that there is a bucket")
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda number: put("key", str(number).encode()), range(8)))
    assert stored.count(True) == 1
    assert store.get("key") == str(stored.index(True)).encode()


def test_stored_objects_are_found_with_checksum_and_size(store: Store, put: Put) -> None:
    put("opendebates/größe & more", b"content")
    sha256 = hashlib.sha256(b"content").hexdigest()
    assert store.find("opendebates/größe & more") == Stored("opendebates/größe & more", sha256, 7)


def test_keys_are_listed_in_order_by_prefix(store: Store, put: Put) -> None:
    for key in ("b/2", "a/1", "b/1", "c"):
        put(key, b"")
    assert store.list("b/") == ("b/1", "b/2")
    assert store.list("") == ("a/1", "b/1", "b/2", "c")


def test_the_bucket_is_private_encrypted_versioned_and_demands_tls(endpoint: str, tmp_path: Path) -> None:
    aws = session(endpoint, tmp_path)
    store = S3Store(aws, bucket_name(aws))
    (tmp_path / "file").write_bytes(b"")
    store.put_new("key", tmp_path / "file", hashlib.sha256(b"").hexdigest())
    client = aws.client("s3")
    assert store.bucket == "fabscale-123456789012"
    blocked = client.get_public_access_block(Bucket=store.bucket)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    rules = client.get_bucket_encryption(Bucket=store.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert client.get_bucket_versioning(Bucket=store.bucket)["Status"] == "Enabled"
    assert protection(aws, store.bucket) == Protection(tls=True, private=True)
    client.delete_bucket_policy(Bucket=store.bucket)
    client.delete_public_access_block(Bucket=store.bucket)
    assert protection(aws, store.bucket) == Protection(tls=False, private=False)


def test_a_dry_run_stores_nothing(endpoint: str, tmp_path: Path) -> None:
    store = S3Store(session(endpoint, tmp_path, read_only=True), "fabscale-dry")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ReadOnlyError):
        store.put_new("key", tmp_path / "file", hashlib.sha256(b"").hexdigest())
