"""Tests of one file run in one process, and all rehearsals in one: they share an environment."""

from __future__ import annotations

from pathlib import Path

import pytest

_REHEARSALS = Path(__file__).parent / "rehearsal"


@pytest.hookimpl(tryfirst=True)  # the groups are read right after this
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        group = "rehearsals" if _REHEARSALS in item.path.parents else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
    # The longest first, so that the others fill the time beside it.
    items.sort(key=lambda item: _REHEARSALS not in item.path.parents)
