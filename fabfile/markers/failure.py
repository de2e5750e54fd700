"""Why a marker failed."""

from __future__ import annotations


class MarkerError(Exception):
    """What was seen, without any secret; `setup` says that the deployer's own surroundings are to be mended."""

    def __init__(self, seen: str, *, setup: bool = False) -> None:
        super().__init__(seen)
        self.setup = setup
