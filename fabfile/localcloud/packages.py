"""The embedded cloud's packages: an extra of Fabscale's, which a machine that only deploys to AWS does without."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from ..errors import UsageError

_EXTRA = re.compile(r"extra\s*==\s*['\"]local['\"]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_IN_A_CHECKOUT = Path(__file__).resolve().parents[2] / "requirements-local.txt"


def check_packages(names: Iterable[str] | None = None) -> None:
    """Raise `UsageError` naming the packages that are not installed."""
    missing = [name for name in (wanted() if names is None else names) if not _installed(name)]
    if missing:
        raise UsageError(
            "start the embedded cloud",
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
            "Run pip install 'fabscale[local]' (in a checkout: pip install -r requirements-local.txt)",
        )


def wanted() -> tuple[str, ...]:
    """Return the packages by name: as the installed Fabscale says, or as the checkout's file does."""
    if _IN_A_CHECKOUT.exists():
        lines = _IN_A_CHECKOUT.read_text().splitlines()
    else:
        lines = [line for line in metadata.requires("fabscale") or () if _EXTRA.search(line)]
    found = (_NAME.match(line) for line in lines)
    return tuple(match[0] for match in found if match)


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
