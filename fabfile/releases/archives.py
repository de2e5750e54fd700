"""Archives whose bytes depend on nothing but what is in them: no owner, no order of a disk, no clock."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# The earliest time that zip files, and so Python's import from them, can hold: 1980-01-01.
EPOCH = 315_532_800
_COMPRESSION = 1  # a release waits for this; a few percent of size do not matter
_CHUNK = 1 << 20


@contextmanager
def written(target: Path) -> Iterator[tarfile.TarFile]:
    """Open a compressed archive for writing; `target` appears only once it is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with (
            partial.open("wb") as raw,
            gzip.GzipFile("", "wb", compresslevel=_COMPRESSION, fileobj=raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            yield archive
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def plain(member: tarfile.TarInfo, name: str, modified: int) -> tarfile.TarInfo:
    """Return the member under a name, without what differs between machines: owner, exact time, umask."""
    kept = tarfile.TarInfo(name)
    kept.type = member.type
    kept.size = member.size
    kept.linkname = member.linkname
    kept.mtime = modified
    kept.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return kept


def pack_folder(folder: Path, target: Path, leave_out: Callable[[str], bool] = lambda name: False) -> None:
    """Write a folder's files as an archive: sorted, each at `EPOCH`."""
    names = sorted(path.relative_to(folder).as_posix() for path in _files(folder))
    with written(target) as archive:
        for name in names:
            if leave_out(name):
                continue
            path = folder / name
            member = plain(archive.gettarinfo(path), name, EPOCH)
            if member.islnk():  # two names of one file on this disk are two files in the archive
                member.type, member.linkname, member.size = tarfile.REGTYPE, "", path.stat().st_size
            if member.isreg():
                with path.open("rb") as content:
                    archive.addfile(member, content)
            else:
                archive.addfile(member)


def _files(folder: Path) -> Iterator[Path]:
    """Yield files and links, those to folders too."""
    return (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive of ours into a folder, which is made unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            found.update(chunk)
    return found.hexdigest()
