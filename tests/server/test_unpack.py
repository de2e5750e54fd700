"""Archives that attack: nothing is written outside of the folder, and nothing is left of what was refused."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fabfile.releases.server.failures import ServerError
from fabfile.releases.server.unpack import Limits, unpack


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def packed(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    archive = path / "archive.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return archive


ATTACKS = {
    "a name with ..": [member("a/../../evil")],
    "an absolute name": [member("/tmp/evil")],
    "a backslash": [member("..\\evil")],
    "a link out": [member("out", tarfile.SYMTYPE, "../..")],
    "an absolute link": [member("out", tarfile.SYMTYPE, "/etc")],
    "a file through a link": [member("sub", tarfile.DIRTYPE), member("in", tarfile.SYMTYPE, "sub"), member("in/evil")],
    "a file over a link": [member("in", tarfile.SYMTYPE, "evil"), member("in")],
    "a hard link out": [member("hard", tarfile.LNKTYPE, "../../etc/passwd")],
    "a hard link to a link": [member("in", tarfile.SYMTYPE, "x"), member("hard", tarfile.LNKTYPE, "in")],
    "a device": [member("device", tarfile.CHRTYPE)],
    "a fifo": [member("fifo", tarfile.FIFOTYPE)],
    "a name twice": [member("twice"), member("twice")],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_and_leaves_nothing(tmp_path: Path, attack: str) -> None:
    archive = packed(tmp_path, *((info, b"") for info in ATTACKS[attack]))
    with pytest.raises(ServerError, match="cannot unpack"):
        unpack(archive, tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["archive.tar.gz"]


def bomb(path: Path) -> Path:
    return packed(path, (member("zeros"), bytes(2_000_000)))


def crowd(path: Path) -> Path:
    return packed(path, *((member(str(number)), b"") for number in range(20)))


def header_bomb(path: Path) -> Path:
    header = member("pax", tarfile.XHDTYPE)
    header.size = 50_000_000
    archive = path / "archive.tar.gz"
    archive.write_bytes(gzip.compress(header.tobuf() + bytes(50_000_000)))
    return archive


@pytest.mark.parametrize("build", [bomb, crowd, header_bomb])
def test_an_archive_beyond_the_limits_is_refused(tmp_path: Path, build: Callable[[Path], Path]) -> None:
    archive = build(tmp_path)
    with pytest.raises(ServerError, match="more than"):
        unpack(archive, tmp_path / "folder", Limits(size=1_000_000, members=10))
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"no tar at all" * 100, mtime=0)],
    ids=["empty", "no gzip", "gzip of no tar"],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "archive.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(ServerError, match="cannot unpack"):
        unpack(archive, tmp_path / "folder")


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    archive = bomb(tmp_path)
    archive.write_bytes(archive.read_bytes()[:-300])
    with pytest.raises(ServerError, match="cannot unpack"):
        unpack(archive, tmp_path / "folder")


def test_files_folders_and_links_inside_are_unpacked_without_special_bits(tmp_path: Path) -> None:
    program = member("bin/run")
    program.mode, program.mtime = 0o6755, 1_700_000_000
    unpack(
        packed(
            tmp_path,
            (member(".", tarfile.DIRTYPE), b""),
            (member("./bin", tarfile.DIRTYPE), b""),
            (program, b"#!"),
            (member("latest", tarfile.SYMTYPE, "bin/run"), b""),
            (member("same", tarfile.LNKTYPE, "bin/run"), b""),
        ),
        tmp_path / "folder",
    )
    assert (tmp_path / "folder/bin/run").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "folder/bin/run").stat().st_mtime == 1_700_000_000
    assert (tmp_path / "folder/latest").read_bytes() == b"#!"
    assert (tmp_path / "folder/same").read_bytes() == b"#!"
