"""Fixtures of the embedded cloud's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localcloud.account import Account, open_account


@pytest.fixture
def account() -> Iterator[Account]:
    """An empty account whose time the test turns."""
    with open_account() as account:
        yield account
