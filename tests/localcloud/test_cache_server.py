"""Cache servers behind ElastiCache's records are real, and reached by TLS."""

from __future__ import annotations

import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.localcloud.authority import LocalAuthority
from fabfile.localcloud.cache_servers import PORT, LocalCaches
from fabfile.localcloud.network import claim_network

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server: apt-get install redis-server"),
]


@pytest.fixture
def authority(tmp_path: Path) -> LocalAuthority:
    return LocalAuthority(tmp_path / "tls")


@pytest.fixture
def caches(tmp_path: Path, authority: LocalAuthority) -> Iterator[LocalCaches]:
    claim = claim_network(tmp_path / "network.json", tmp_path)
    with LocalCaches(tmp_path / "caches", claim.network.cache, authority) as caches:
        yield caches
    claim.release()


def told(address: str, command: bytes, authority: LocalAuthority) -> bytes:
    trusting = ssl.create_default_context(cafile=str(authority.ca))
    plain = socket.create_connection((address, PORT), timeout=10)
    with plain, trusting.wrap_socket(plain, server_hostname=address) as secure:
        secure.sendall(command)
        return secure.recv(64)


def test_a_dropped_cache_answers_no_more_and_leaves_nothing(
    caches: LocalCaches, authority: LocalAuthority, tmp_path: Path
) -> None:
    place = caches.place("demo")
    assert place is not None
    caches.start("demo", encrypted=True)
    caches.drop("demo")
    with pytest.raises(ConnectionRefusedError):
        told(place[0], b"PING\r\n", authority)
    assert list((tmp_path / "caches").iterdir()) == []


def test_an_encrypted_cache_keeps_what_it_is_told_and_answers_by_tls_alone(
    caches: LocalCaches, authority: LocalAuthority
) -> None:
    place = caches.place("demo")
    assert place is not None
    assert place[1] == PORT
    caches.start("demo", encrypted=True)
    assert told(place[0], b"SET page 7\r\n", authority) == b"+OK\r\n"
    assert told(place[0], b"GET page\r\n", authority) == b"$1\r\n7\r\n"
    with socket.create_connection(place, timeout=10) as plain:
        plain.sendall(b"PING\r\n")
        try:
            answer = plain.recv(16)
        except ConnectionResetError:
            answer = b""
        assert not answer.startswith(b"+PONG")
