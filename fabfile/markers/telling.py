"""Tell every marker of an occasion, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config.environment import Marker
from .commands import run_command
from .failure import MarkerError
from .occasion import Occasion, UnsetVariableError
from .web_hooks import host_of, post


@dataclass(frozen=True)
class Told:
    """How telling one marker ended; `failure` is None when it was told."""

    marker: Marker
    failure: MarkerError | None = None


def concerned(markers: tuple[Marker, ...], status: str) -> tuple[Marker, ...]:
    """Return the markers that want to know of it."""
    return tuple(marker for marker in markers if status in marker.at)


def tell(markers: tuple[Marker, ...], occasion: Occasion, folder: Path, environ: Mapping[str, str]) -> Iterator[Told]:
    """Tell those that want to know of it; one that fails keeps no other from being told."""
    for marker in concerned(markers, occasion.status):
        yield Told(marker, _failure(marker, occasion, folder, environ))


def _failure(marker: Marker, occasion: Occasion, folder: Path, environ: Mapping[str, str]) -> MarkerError | None:
    try:
        if marker.command:
            run_command(marker, occasion, folder, environ)
        else:
            post(marker, occasion, environ)
    except MarkerError as error:
        return error
    except UnsetVariableError as error:
        return MarkerError(f"the environment variable {error} is not set", setup=True)
    return None


def described(marker: Marker) -> str:
    """Return a marker's name and what it does, without what may be secret in it."""
    does = f"runs {marker.command[0]}" if marker.command else f"POST to {host_of(marker)}"
    return f"{marker.name} ({does}{', required' if marker.required else ''})"
