"""The contract of the bundle store: objects that are written once and never again, and one kept in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from ..errors import UsageError


@dataclass(frozen=True)
class Stored:
    """An object in the store: its SHA-256 in hexadecimal, its size in bytes."""

    key: str
    sha256: str
    size: int


class Store(Protocol):
    """Where releases are kept.

    Promises: what is stored under a key never changes; of several writers of one key exactly one is first,
    and the others are told; `find`, `get` and `list` see what was put before. Real ones raise `Unreachable`.
    """

    def put_new(self, key: str, path: Path, sha256: str) -> bool:
        """Store a file whose SHA-256 is given, unless the key is taken; tell whether it was stored."""
        ...

    def get(self, key: str) -> bytes:
        """Return an object's content; raises `UsageError` when there is none."""
        ...

    def find(self, key: str) -> Stored | None:
        """Tell what is stored under a key."""
        ...

    def list(self, prefix: str) -> tuple[str, ...]:
        """Return all keys that begin so, in the order of their characters."""
        ...


class MemoryStore:
    """A store for tests and dry runs; thread-safe."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = Lock()

    def put_new(self, key: str, path: Path, sha256: str) -> bool:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f"the content for {key} has another SHA-256 than the given one")
        with self._lock:
            if key in self._objects:
                return False
            self._objects[key] = content
            return True

    def get(self, key: str) -> bytes:
        with self._lock:
            if key not in self._objects:
                raise no_object(key)
            return self._objects[key]

    def find(self, key: str) -> Stored | None:
        with self._lock:
            content = self._objects.get(key)
        if content is None:
            return None
        return Stored(key, hashlib.sha256(content).hexdigest(), len(content))

    def list(self, prefix: str) -> tuple[str, ...]:
        with self._lock:
            return tuple(sorted(key for key in self._objects if key.startswith(prefix)))


def no_object(key: str) -> UsageError:
    """The error of every store for a key that holds nothing."""
    return UsageError(f"read {key} from the bundle store", "there is no such object")
