"""One commit's files as archives: the same bytes whenever and wherever they are made."""

from __future__ import annotations

import hashlib
import json
import posixpath
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from ..errors import UsageError
from .archives import EPOCH, plain, unpack, written
from .large_files import large_files
from .source import Commit, Repository, last_line

_FORMAT = 2  # raise it when the same commit gives other bytes


@dataclass(frozen=True)
class Bundle:
    """The archives of one commit's files; `large` is the same one until one of its files changes."""

    files: Path
    large: Path | None

    def unpack(self, folder: Path) -> None:
        """Unpack both into a new folder, so that what runs at build sees exactly what a server will."""
        unpack(self.files, folder)
        if self.large:
            unpack(self.large, folder)


def make_bundle(repository: Repository, commit: Commit, source: str, exclude: Sequence[str], cache: Path) -> Bundle:
    """Return the archives of the folder `source` of a commit, made now or found in `cache`.

    Only committed files are in them. Raises `UsageError` when the folder is not there, or when a file in it
    would land outside of the folder that a server unpacks it to.
    """
    folder = _folder(source)
    packing = _Packing(repository, commit, folder, tuple(sorted(exclude)), cache)
    apart = large_files(repository, commit, packing.wanted)
    large = packing.archive(f"large-{apart.identity[:40]}", apart.paths.__contains__, EPOCH) if apart.paths else None
    files = packing.archive(commit.sha, lambda path: path not in apart.paths, commit.committed, empty=bool(large))
    return Bundle(files, large)


@dataclass(frozen=True)
class _Packing:
    """What goes from one commit into archives."""

    repository: Repository
    commit: Commit
    folder: str  # "." for all of the repository
    exclude: tuple[str, ...]
    cache: Path

    @property
    def prefix(self) -> str:
        return "" if self.folder == "." else f"{self.folder}/"

    def wanted(self, path: str) -> bool:
        """Tell whether a path of the repository is in the folder and not excluded."""
        return path.startswith(self.prefix) and not _excluded(path.removeprefix(self.prefix), self.exclude)

    def archive(self, name: str, takes: Callable[[str], bool], modified: int, *, empty: bool = False) -> Path:
        """Return the archive of the files whose path `takes` takes; raises `UsageError` for none unless it may be."""
        asked = json.dumps([_FORMAT, self.folder, self.exclude])
        target = self.cache / f"{name}-{hashlib.sha256(asked.encode()).hexdigest()[:12]}.tar.gz"
        if not target.exists():
            self._make(target, takes, modified, empty)
        return target

    def _make(self, target: Path, takes: Callable[[str], bool], modified: int, empty: bool) -> None:
        what = f"bundle {self.folder!r} of {self.commit.short}"
        with self.repository.archive(self.commit.sha, self.folder) as process, written(target) as bundle:
            assert process.stdout is not None
            assert process.stderr is not None
            try:
                files = self._rewrite(process.stdout, bundle, takes, modified)
                process.stdout.read()  # the padding at the end: git fails when nobody takes it
            except tarfile.ReadError:
                files = 0
            if process.wait():
                raise UsageError(what, f"git said: {last_line(process.stderr.read())}")
            if not files and not empty:
                raise UsageError(what, "it has no files", "Check `application.source` and `application.exclude`")

    def _rewrite(self, tar: IO[bytes], bundle: tarfile.TarFile, takes: Callable[[str], bool], modified: int) -> int:
        """Copy git's tar without the folder's own name, owners and umask; return the number of files."""
        files = 0
        with tarfile.open(fileobj=tar, mode="r|") as opened:
            for member in opened:
                if member.isdir() or not self.wanted(member.name) or not takes(member.name):
                    continue
                name = member.name.removeprefix(self.prefix)
                check_member(member, name)
                content = opened.extractfile(member) if member.isreg() else None
                bundle.addfile(plain(member, name, modified), content)
                files += 1
        return files


def _folder(source: str) -> str:
    folder = posixpath.normpath(source or ".")
    if posixpath.isabs(folder) or folder.split("/")[0] == "..":
        raise UsageError(
            f"bundle {source!r}", "`application.source` is outside of the repository", "Give a folder in it"
        )
    return folder


def check_member(member: tarfile.TarInfo, name: str) -> None:
    """Refuse what would land or point outside of the folder that it is unpacked to, as a server would."""
    what = f"bundle {name!r}"
    parts = name.split("/")
    if posixpath.isabs(name) or ".." in parts or "\\" in name:
        raise UsageError(what, "its name leads out of the release", "Rename it in the repository")
    if not (member.isreg() or member.issym()):
        raise UsageError(what, "it is neither a file nor a link", "Remove it from the repository")
    if member.issym():
        end = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
        if posixpath.isabs(member.linkname) or end.split("/")[0] == "..":
            raise UsageError(
                what,
                f"it is a link to {member.linkname!r}, outside of the release",
                "Exclude it by `application.exclude`, or commit what it points to",
            )


def _excluded(name: str, patterns: Sequence[str]) -> bool:
    """Tell whether a pattern matches the path or one of the folders that it is in."""
    parts = name.split("/")
    paths = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return any(fnmatchcase(path, pattern.rstrip("/")) for pattern in patterns for path in paths)
