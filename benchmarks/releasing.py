"""How long a repository of 50 MB takes to become a launch config, the first time and the second."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from .figure import Figure
from .site import Site, site

_FILES, _SIZE = 100, 500_000
_LIMITS = (("first", 10.0), ("second", 3.0))


def measure() -> Iterator[Figure]:
    """Yield the seconds of both; the second release differs by one page."""
    settings = {"server_counts": {"web": 1, "worker": 0}, "local": {"boot": 0.2}}
    with site(settings) as made:
        made.fab("create_environment:bench,local")
        pictures = made.folder / "pictures"
        pictures.mkdir()
        for number in range(_FILES):
            (pictures / f"{number}.jpg").write_bytes(os.urandom(_SIZE))  # like pictures, it can't be compressed
        for which, limit in _LIMITS:
            seconds = _release(made, which)
            yield Figure(
                "release",
                f"{_FILES * _SIZE / 1e6:.0f} MB of files to a launch config, the {which} time",
                round(seconds, 2),
                "s",
                limit,
                f"{_FILES} files that can't be compressed; no dependencies",
            )


def _release(made: Site, which: str) -> float:
    (made.folder / "index.html").write_text(f"<p>{which}</p>\n")
    made.commit(f"The {which} release")
    started = time.perf_counter()
    made.fab("create_launch_config_for_deployment:bench,local")
    return time.perf_counter() - started
