"""A machine's console: the last of what it said, as GetConsoleOutput has it."""

from __future__ import annotations

from pathlib import Path

# GetConsoleOutput returns the most recent 64 KB:
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html
LIMIT = 64 * 1024


class Console:
    """A file that never grows beyond twice what is shown."""

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self._path = path
        self._limit = limit
        self._size = path.stat().st_size if path.exists() else 0

    def say(self, who: str, text: str) -> None:
        """Add each line of a text, after the name of who says it."""
        lines = "".join(f"{who}: {line}\n" for line in text.splitlines())
        content = lines.encode(errors="replace")
        with self._path.open("ab") as file:
            file.write(content)
        self._size += len(content)
        if self._size > 2 * self._limit:
            self._shorten()

    def _shorten(self) -> None:
        kept = self._path.read_bytes()[-self._limit :]
        replacement = self._path.with_name(self._path.name + ".new")
        replacement.touch(mode=0o600)
        replacement.write_bytes(kept)
        replacement.replace(self._path)
        self._size = len(kept)


def read(path: Path, limit: int = LIMIT) -> str:
    """Return the end of a console; "" when there is none."""
    try:
        return path.read_bytes()[-limit:].decode(errors="replace")
    except FileNotFoundError:
        return ""
