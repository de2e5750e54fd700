"""Which files of a commit are large: they go into an archive of their own, which is kept until one of them changes.

A release of one changed line then neither packs nor sends the pictures again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from .source import Commit, Repository

LARGE = 256 * 1024  # bytes; smaller ones are not worth an archive that servers fetch as well
_FORMAT = 1  # raise it when the same files give other bytes
_REGULAR = ("100644", "100755")


@dataclass(frozen=True)
class LargeFiles:
    """The paths in the repository of a commit's large files; `identity` is another one as soon as one differs."""

    paths: frozenset[str]
    identity: str


def large_files(repository: Repository, commit: Commit, wanted: Callable[[str], bool]) -> LargeFiles:
    """Find the large files of a commit among those whose path is wanted.

    None are set apart where git writes a file's content by the commit (`export-subst`).
    """
    listed = repository.ask(f"list the files of {commit.short}", "ls-tree", "-r", "-l", "-z", "--full-tree", commit.sha)
    entries = [entry.partition("\t") for entry in listed.decode(errors="surrogateescape").split("\0") if entry]
    blobs = {path: described.split() for described, _, path in entries}
    attributes = {path: sha for path, (_, _, sha, _) in blobs.items() if path.endswith(".gitattributes")}
    for sha in attributes.values():
        if b"export-subst" in repository.ask("read .gitattributes", "cat-file", "blob", sha):
            return LargeFiles(frozenset(), "")
    large = {
        path: (mode, sha)
        for path, (mode, _, sha, size) in blobs.items()
        if wanted(path) and mode in _REGULAR and int(size) >= LARGE
    }
    # What git makes of a file depends on its attributes too.
    asked = json.dumps([_FORMAT, sorted(large.items()), sorted(attributes.items())])
    return LargeFiles(frozenset(large), hashlib.sha256(asked.encode()).hexdigest())
