"""The metadata service, as programs on a machine ask it."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.utils import InstanceMetadataFetcher

from fabfile.localcloud.metadata_server import PORT, MetadataServer

from .machines_bench import addresses, spec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="every 127.x address is bound only on Linux")

TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"


@pytest.fixture(scope="module")
def server() -> Iterator[MetadataServer]:
    server = MetadataServer()
    yield server
    server.close()


@pytest.fixture
def address(server: MetadataServer) -> Iterator[str]:
    address = next(addresses())
    server.add(spec("i-0123", address, "#!/bin/sh\ntrue\n", role="web", tagged=True))
    yield address
    server.remove("i-0123")


def call(address: str, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, PORT, timeout=30)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def token(address: str) -> str:
    status, body = call(address, "PUT", "/latest/api/token", {TTL: "60"})
    assert status == 200
    return body


def get(address: str, path: str) -> tuple[int, str]:
    return call(address, "GET", path, {TOKEN: token(address)})


def test_nothing_is_told_without_a_token(address: str) -> None:
    assert call(address, "GET", "/latest/meta-data/instance-id") == (401, "")
    assert call(address, "GET", "/latest/meta-data/instance-id", {TOKEN: "made-up"}) == (401, "")


@pytest.mark.parametrize("asked", [{}, {TTL: "0"}, {TTL: "21601"}, {TTL: "long"}])
def test_a_token_needs_a_time_to_live_of_a_second_to_six_hours(address: str, asked: dict[str, str]) -> None:
    assert call(address, "PUT", "/latest/api/token", asked) == (400, "")


def test_a_request_that_was_forwarded_gets_no_token(address: str) -> None:
    assert call(address, "PUT", "/latest/api/token", {TTL: "60", "X-Forwarded-For": "1.2.3.4"}) == (403, "")


def test_a_token_counts_on_its_own_machine_only(server: MetadataServer, address: str) -> None:
    other = next(free for free in addresses() if free != address)
    server.add(spec("i-other", other))
    try:
        assert call(other, "GET", "/latest/meta-data/instance-id", {TOKEN: token(address)}) == (401, "")
        assert get(other, "/latest/meta-data/instance-id") == (200, "i-other")
        assert get(other, "/latest/user-data")[0] == 404
        assert get(other, "/latest/meta-data/tags/instance/Name")[0] == 404
        assert get(other, "/latest/meta-data/iam/security-credentials/")[0] == 404
    finally:
        server.remove("i-other")


def test_a_machine_learns_who_it_is(address: str) -> None:
    answers = {
        "meta-data/instance-id": "i-0123",
        "meta-data/local-ipv4": address,
        "meta-data/placement/availability-zone": "us-east-1a",
        "meta-data/placement/region": "us-east-1",
        "meta-data/placement/": "availability-zone\nregion",
        "meta-data/tags/instance": "Name",
        "user-data": "#!/bin/sh\ntrue\n",
    }
    assert {path: get(address, f"/latest/{path}")[1] for path in answers} == answers
    identity = json.loads(get(address, "/latest/dynamic/instance-identity/document")[1])
    assert (identity["instanceId"], identity["region"]) == ("i-0123", "us-east-1")
    assert get(address, "/latest/meta-data/nothing")[0] == 404


def test_a_changed_tag_is_seen(server: MetadataServer, address: str) -> None:
    server.retag("i-0123", {"release": "two"})
    assert get(address, "/latest/meta-data/tags/instance/release") == (200, "two")
    assert get(address, "/latest/meta-data/tags/instance/Name")[0] == 404


def test_boto_finds_the_credentials_of_the_machines_role(address: str, tmp_path: Path) -> None:
    fetcher = InstanceMetadataFetcher(
        timeout=30, num_attempts=1, config={"ec2_metadata_service_endpoint": f"http://{address}:{PORT}/"}
    )
    credentials = fetcher.retrieve_iam_role_credentials()
    assert credentials["role_name"] == "web"
    assert credentials["access_key"].startswith("ASIA")
    assert credentials["token"]
