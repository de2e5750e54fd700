"""Load the configuration file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .environment import Environment


@dataclass(frozen=True)
class Config:
    """Everything in the configuration file, valid."""

    path: Path
    deployments: tuple[str, ...]
    environments: tuple[str, ...]
    default_deployment: str

    def environment(self, deployment: str, environment: str) -> Environment:
        """Return one environment's settings with every default filled in."""
        raise NotImplementedError


def load(path: Path) -> Config:
    """Read and check the file; raises `ConfigError` with every problem found."""
    raise NotImplementedError
