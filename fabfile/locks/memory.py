"""A register in memory, for tests, dry runs and the simulated cloud."""

from __future__ import annotations

import threading

from .lease import Record


class MemoryRegister:
    """One record, shared by the threads of one process."""

    def __init__(self) -> None:
        self._record: Record | None = None
        self._guard = threading.Lock()

    def read(self) -> Record | None:
        with self._guard:
            return self._record

    def swap(self, expected: Record | None, new: Record) -> bool:
        with self._guard:
            if self._record != expected:
                return False
            self._record = new
            return True
