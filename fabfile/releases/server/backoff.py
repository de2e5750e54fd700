"""How often and how long to try again."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Attempts with growing pauses between them, each drawn at random so that a fleet does not ask in step.

    The pause before attempt n is uniform in 0 … min(longest, base × 2ⁿ) seconds ("full jitter").
    """

    attempts: int = 6
    base: float = 0.5
    longest: float = 15.0

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Backoff:
        """Read the base from FABSCALE_RETRY_SECONDS, for machines whose network is a loopback device."""
        return cls(base=float(environ.get("FABSCALE_RETRY_SECONDS") or cls.base))

    def turns(self) -> Iterator[int]:
        """Yield the number of each attempt from 0, waiting before every one but the first."""
        for attempt in range(self.attempts):
            if attempt:
                longest = min(self.longest, self.base * 2**attempt)
                time.sleep(random.uniform(0.0, longest))  # noqa: S311 - jitter is no secret
            yield attempt
