"""Tests of one file run in one process; a process makes one environment for all the rehearsals that it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

_REHEARSALS = "tests/rehearsal/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, so that the others fill the time beside it."""
    items.sort(key=lambda item: not item.nodeid.startswith(_REHEARSALS))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Distribute by file; --dist=loadgroup loses its groups with pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415  (tests also run without xdist)

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist says nothing of its types
        def _split_scope(self, nodeid: str) -> str:
            return nodeid.partition("::")[0]

    return ByFile(config, log)
