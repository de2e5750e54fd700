"""Addresses that are signed in advance: what whoever has one may do with it."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from fabfile.aws.session import Aws
from fabfile.aws.signed_addresses import SignedAddresses
from tests.aws.account import environment
from tests.localcloud.account import open_account

CONTENT = b"PGDMP and so on"
KEY = "demo/backups/staging/b1.dump"


@pytest.fixture
def addresses(tmp_path: Path) -> Iterator[SignedAddresses]:
    with open_account() as account:
        aws = Aws(environment(tmp_path), endpoint_url=account.url)
        aws.client("s3").create_bucket(Bucket="fabscale-test")
        yield SignedAddresses(aws, "fabscale-test")


def put(url: str, headers: Mapping[str, str], content: bytes) -> int:
    request = urllib.request.Request(
        url, content, {"Content-Type": "application/octet-stream", **headers}, method="PUT"
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_other_content_than_what_was_signed_is_refused_and_so_is_a_second_object(addresses: SignedAddresses) -> None:
    url, headers = addresses.upload(KEY, hashlib.sha256(CONTENT).hexdigest())
    assert put(url, headers, CONTENT[:-1]) == 400
    assert put(url, headers, CONTENT) == 200
    assert put(url, headers, CONTENT) == 412
    with urllib.request.urlopen(addresses.download(KEY), timeout=30) as answer:
        assert answer.read() == CONTENT


def test_checksum_and_condition_are_part_of_what_is_signed(addresses: SignedAddresses) -> None:
    """Else whoever has the address could leave them out."""
    url, _ = addresses.upload(KEY, "ab" * 32)
    signed = parse_qs(urlsplit(url).query)
    assert signed["X-Amz-SignedHeaders"] == ["host;if-none-match;x-amz-checksum-sha256"]
    assert signed["X-Amz-Expires"] == ["3600"]
