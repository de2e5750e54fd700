"""Replace named operations of moto while a control plane runs, and refuse to start on a moto that lacks them.

moto keeps its backends in the process, so one control plane at a time runs in a process.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError


@dataclass(frozen=True)
class Patch:
    """One replaced attribute of a class, or entry of a mapping."""

    owner: Any
    name: str
    replacement: Any
    added: bool = False  # moto does not have it

    def read(self) -> Any:
        """The present value; KeyError or AttributeError where there is none."""
        if isinstance(self.owner, MutableMapping):
            return self.owner[self.name]
        return vars(self.owner)[self.name]

    def write(self, value: Any) -> None:
        """Put a value in place."""
        if isinstance(self.owner, MutableMapping):
            self.owner[self.name] = value
        else:
            setattr(self.owner, self.name, value)

    def remove(self) -> None:
        """Take an added value away."""
        if isinstance(self.owner, MutableMapping):
            del self.owner[self.name]
        else:
            delattr(self.owner, self.name)

    def __str__(self) -> str:
        return f"{getattr(self.owner, '__module__', 'moto')}.{getattr(self.owner, '__name__', '')}.{self.name}"


class Patches:
    """A table of patches, put in and taken out together."""

    def __init__(self, patches: Iterable[Patch]) -> None:
        self._patches = tuple(patches)
        self._originals: list[tuple[Patch, Any]] = []

    def install(self) -> None:
        """Put every patch in; UsageError, with nothing changed, when moto lacks one of the names."""
        missing = [str(patch) for patch in self._patches if not patch.added and not _present(patch)]
        if missing:
            raise UsageError(
                "start the embedded cloud",
                f"this version of moto lacks {', '.join(missing)}",
                "Install the one it is made for: pip install 'moto>=5.2.5,<5.3'",
            )
        for patch in self._patches:
            self._originals.append((patch, None if patch.added else patch.read()))
            patch.write(patch.replacement)

    def uninstall(self) -> None:
        """Restore what was there before."""
        while self._originals:
            patch, original = self._originals.pop()
            if patch.added:
                patch.remove()
            else:
                patch.write(original)


def _present(patch: Patch) -> bool:
    try:
        patch.read()
    except (KeyError, AttributeError):
        return False
    return True
