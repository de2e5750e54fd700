"""Fixtures of the AWS layer's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.aws.account import account


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The endpoint of an account of moto's server."""
    with account() as url:
        yield url
