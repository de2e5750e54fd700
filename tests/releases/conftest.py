"""Fixtures of the tests of releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.config.environment import Environment
from tests.releases.repository import Checkout, an_environment, new_repository


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A repository with one commit."""
    return new_repository(tmp_path / "repository")


@pytest.fixture(scope="session")
def dependencies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dependencies that tests have in common: named by all they depend on, they are built once for all of them."""
    return tmp_path_factory.mktemp("dependencies")


@pytest.fixture
def environment(checkout: Checkout, tmp_path: Path, dependencies: Path) -> Environment:
    """An environment that releases the repository's folder `app`."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "dependencies").symlink_to(dependencies)
    return an_environment(checkout.path, state)
