"""Suggest the name that somebody meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name most like `name`, or "" when none is like it."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def nearest(name: str, known: Iterable[str], plural: str) -> str:
    """Return a sentence that names the nearest known name and all of them."""
    names = tuple(known)
    best = closest(name, names)
    meant = f"Did you mean {best!r}? " if best else ""
    return f"{meant}Known {plural}: {', '.join(names) or 'none'}"
