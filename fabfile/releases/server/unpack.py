"""Unpack an archive into a fresh folder, and refuse everything that would leave it or fill the disk."""

from __future__ import annotations

import os
import posixpath
import shutil
import tarfile
import zlib
from dataclasses import dataclass, field
from gzip import GzipFile
from pathlib import Path

from .failures import ServerError


@dataclass(frozen=True)
class Limits:
    """What an archive may unpack to; bytes count what comes out of the decompressor, headers and padding too."""

    size: int = 2 << 30
    members: int = 200_000


class _Metered:
    """A stream that raises once more was read than is allowed: a bomb in a header or in padding names no size."""

    def __init__(self, stream: GzipFile, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(chunk)
        if self._left < 0:
            raise _TooMuchError
        return chunk


class _TooMuchError(Exception):
    pass


@dataclass
class _Seen:
    folders: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)


def unpack(archive: Path, folder: Path, limits: Limits | None = None) -> None:
    """Unpack a .tar.gz into `folder`, which must not exist; nothing is left of it when the archive is refused.

    Taken are folders, files, relative symbolic links that stay inside, and hard links to files of the archive.
    Owners and special permission bits are dropped. Raises ServerError naming the member.
    """
    limits = limits or Limits()
    folder.mkdir(parents=True)
    try:
        with archive.open("rb") as raw, GzipFile(fileobj=raw) as plain:
            metered = _Metered(plain, limits.size)
            with tarfile.open(fileobj=metered, mode="r|") as tar:  # type: ignore[call-overload]
                _extract(tar, folder, limits)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        what = f"unpack {archive.name}"
        if isinstance(error, _TooMuchError):
            raise ServerError(what, f"it unpacks to more than {limits.size} bytes") from error
        if isinstance(error, (tarfile.TarError, EOFError, zlib.error, OSError)):
            raise ServerError(what, f"{type(error).__name__}: {error}") from error
        raise


def _extract(tar: tarfile.TarFile, folder: Path, limits: Limits) -> None:
    seen = _Seen()
    for count, member in enumerate(tar, 1):
        if count > limits.members:
            raise ServerError("unpack an archive", f"it has more than {limits.members} members")
        if member.size > limits.size:
            raise _TooMuchError
        name = _checked(member, seen)
        if name != ".":
            _write(tar, member, name, folder, seen)


def _checked(member: tarfile.TarInfo, seen: _Seen) -> str:
    """Return the member's normal name; raises ServerError when it must not be unpacked."""
    name = posixpath.normpath(member.name)
    parts = name.split("/")
    reason = ""
    if member.name.startswith("/") or ".." in member.name.split("/") or "\\" in member.name or "\0" in member.name:
        reason = "its name leads out of the folder"
    elif not (member.isreg() or member.isdir() or member.issym() or member.islnk()) or member.issparse():
        reason = "it is neither a file nor a folder nor a link"
    elif any("/".join(parts[:length]) in seen.links for length in range(1, len(parts) + 1)):
        reason = "it goes through a link"
    elif name in seen.files or (name in seen.folders and not member.isdir()):
        reason = "its name comes twice"
    elif member.issym() and not _inside(posixpath.join(posixpath.dirname(name), member.linkname)):
        reason = f"it is a link to {member.linkname!r}, outside of the folder"
    elif member.islnk() and posixpath.normpath(member.linkname) not in seen.files:
        reason = f"it is a hard link to {member.linkname!r}, which is no file before it"
    if reason:
        raise ServerError(f"unpack the member {member.name!r}", reason, "The archive is not one that Fabscale made")
    return name


def _inside(target: str) -> bool:
    return not target.startswith("/") and posixpath.normpath(target).split("/")[0] != ".."


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, name: str, folder: Path, seen: _Seen) -> None:
    target = folder / name
    parts = name.split("/")
    parent = "/".join(parts[:-1])
    if parent not in seen.folders:
        seen.folders.update("/".join(parts[:length]) for length in range(1, len(parts)))
        target.parent.mkdir(parents=True, exist_ok=True)
    if member.isdir():
        target.mkdir(exist_ok=True)
        seen.folders.add(name)
    elif member.issym():
        target.symlink_to(member.linkname)
        seen.links.add(name)
    elif member.islnk():
        shutil.copy2(folder / posixpath.normpath(member.linkname), target)
        seen.files.add(name)
    else:
        mode = 0o755 if member.mode & 0o100 else 0o644
        content = tar.extractfile(member)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            if content is not None:
                shutil.copyfileobj(content, file, 1 << 18)
        os.utime(target, (member.mtime, member.mtime))  # compiled Python files are checked against it
        seen.files.add(name)
