"""What a requirements file asks for, with all that it includes: what dependencies are identified by."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import UsageError
from .target import Target

_FORMAT = 1  # raise it when the same requirements give another archive
# pip's requirements file format: https://pip.pypa.io/en/stable/reference/requirements-file-format/
_INCLUDED = re.compile(r"^(?:-r|-c|--requirement|--constraint)[ =]?\s*(\S+)")
_LOCAL = re.compile(r"^(?:\.{0,2}/|\.$|\S+ @ file:|file:)")
_EDITABLE = re.compile(r"^(?:-e|--editable)\b")


@dataclass(frozen=True)
class Requirements:
    """A requirements file and those that it includes, by name below the application, with their text."""

    name: str
    files: tuple[tuple[str, str], ...]
    bundle: str = ""  # the bundle's SHA-256, where a package of the application itself is installed from it

    def hash_for(self, target: Target) -> str:
        """Return what identifies the dependencies: other text, Python or platform, other hash."""
        asked = json.dumps([_FORMAT, self.files, self.bundle, target.python, target.platform])
        return hashlib.sha256(asked.encode()).hexdigest()


NO_REQUIREMENTS = Requirements("none", ())


def read_requirements(name: str, bundle: str, read: Callable[[str], str]) -> Requirements:
    """Follow a requirements file's includes; `read` gives the text of a file below the application.

    Raises `UsageError` for a file outside of the application, and for an editable package.
    """
    texts: dict[str, str] = {}
    waiting = [posixpath.normpath(name)]
    local = False
    while waiting:
        file = waiting.pop()
        if file in texts:
            continue
        if file.startswith(("../", "/")):
            raise UsageError(f"read {file}", "it is outside of the application", "Put it beside the application")
        texts[file] = read(file)
        for line in map(str.strip, texts[file].splitlines()):
            if _EDITABLE.match(line):
                raise UsageError(f"install {line!r} of {file}", "a release has no editable packages", "Drop the -e")
            local = local or bool(_LOCAL.match(line))
            included = _INCLUDED.match(line)
            if included and "://" not in included[1]:
                waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(file), included[1])))
    return Requirements(posixpath.normpath(name), tuple(sorted(texts.items())), bundle if local else "")
