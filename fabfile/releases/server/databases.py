"""Dump the application's database to an address that the deployer signed, and restore it from one.

PostgreSQL's own programs do it, with the application's own settings, which reach them through their environment. The
addresses come over standard input: whoever has one may read or write that one object.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from .appenv import environment, redacted
from .failures import ServerError
from .layout import Layout
from .migrations import ADVISORY_LOCK
from .transfer import BROKEN, opened

MOST_BYTES = 5 * 1024**3  # of one PutObject, says https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
_LEFT_OVER = 86400.0  # seconds until a dump that nobody sent is removed
_SOCKET_SECONDS = 300.0
_CHUNK = 1 << 20
_VARIABLES = {"PGHOST": "HOST", "PGPORT": "PORT", "PGDATABASE": "NAME", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
_KEPT: tuple[str, ...] = ("PATH", "HOME", "LANG", "FABSCALE_POSTGRES")
_NEEDED = ("pg_dump", "pg_restore", "psql")
_ID = re.compile(r"[A-Za-z0-9-]+")
# Everything that is there goes, and comes back as it was unless all that follows succeeds. A server that serves keeps
# its locks for no longer than a request: who holds one for a minute is not waited for.
_BEGIN = """\
BEGIN;
SET LOCAL lock_timeout = '60s';
SELECT pg_advisory_xact_lock(:lock);
DO $$ DECLARE name name; BEGIN
  FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', name);
  END LOOP;
END $$;
CREATE SCHEMA public;
"""


def dump(layout: Layout, request: Mapping[str, Any]) -> dict[str, Any]:
    """Write {"id"}'s dump to a file on this server; return its SHA-256, its size and the versions."""
    path = _file(layout, request)
    environ = _environ(layout)
    programs = _programs(environ)
    _room(layout, path)
    try:
        with _private(path) as file:
            command = [programs.path("pg_dump"), "--format=custom", "--no-password"]
            ended = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE, env=environ, check=False
            )
            if ended.returncode:
                raise ServerError("dump the database", _last(layout, ended.stderr))
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ServerError(
                "keep the dump", f"it has {size} bytes, and S3 takes 5 GiB at a time", "Use RDS snapshots"
            )
        return {"id": request["id"], "sha256": _digest(path), "size": size, "server": programs.server}
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def send(layout: Layout, request: Mapping[str, Any]) -> dict[str, Any]:
    """Send {"id"}'s dump to {"url", "headers"}, which holds it to its SHA-256, and remove the file."""
    path = _file(layout, request)
    if not path.exists():
        raise ServerError("send the dump", f"there is no dump {request['id']} on this server")
    try:
        with path.open("rb") as file:
            headers = {**request["headers"], "Content-Length": str(path.stat().st_size)}
            _put(str(request["url"]), headers, file)
    finally:
        path.unlink(missing_ok=True)
    return {"sent": request["id"]}


def restore(layout: Layout, request: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the database by the dump at {"url"}, whose {"sha256"} is known; all of it, or nothing."""
    path = _file(layout, request)
    environ = _environ(layout)
    programs = _programs(environ)
    _room(layout, path)
    try:
        _fetch(str(request["url"]), str(request["sha256"]), path)
        _replace(layout, path, programs, environ)
    finally:
        path.unlink(missing_ok=True)
    return {"restored": request["id"]}


def _replace(layout: Layout, path: Path, programs: Programs, environ: Mapping[str, str]) -> None:
    """Let psql take what pg_restore makes of the dump, in one transaction that is committed once both have it all.

    A pg_restore that dies leaves a script that ends early; without the last line psql ends, and nothing was done.
    """
    contents, complaints = path.with_suffix(".list"), path.with_suffix(".err")
    psql = [programs.path("psql"), "--no-psqlrc", "--no-password", "--quiet", "--set=ON_ERROR_STOP=1"]
    psql += [f"--set=lock={ADVISORY_LOCK}"]
    script = [programs.path("pg_restore"), "--no-owner", "--no-privileges", "--file=-"]
    script += [f"--use-list={contents}", str(path)]
    try:
        with _private(contents) as listed:
            listed.write(_contents(layout, path, programs))
        with _private(complaints) as said:
            taker = subprocess.Popen(
                psql, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, env=dict(environ)
            )
            assert taker.stdin is not None
            try:
                failure = _feed(taker.stdin, script)
            finally:
                code = taker.wait()
        if code or failure:
            seen = _last(layout, failure or complaints.read_bytes())
            raise ServerError("restore the dump", seen, "The database is as it was")
    finally:
        contents.unlink(missing_ok=True)
        complaints.unlink(missing_ok=True)


def _contents(layout: Layout, path: Path, programs: Programs) -> bytes:
    """Return the dump's table of contents without the schema `public`, which is there already."""
    command = [programs.path("pg_restore"), "--list", str(path)]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if ended.returncode:
        raise ServerError("read the dump", _last(layout, ended.stderr))
    lines = ended.stdout.splitlines(keepends=True)
    return b"".join(line for line in lines if not re.match(rb"\d+; \d+ \d+ SCHEMA - public ", line))


def _feed(taker: IO[bytes], script: list[str]) -> bytes:
    """Write the whole transaction; returns what pg_restore said if it failed, and then does not commit."""
    with tempfile.TemporaryFile() as said:
        maker = subprocess.Popen(script, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said)
        assert maker.stdout is not None
        failure = b""
        try:
            taker.write(_BEGIN.encode())
            shutil.copyfileobj(maker.stdout, taker, _CHUNK)
            if maker.wait() == 0:
                taker.write(b"COMMIT;\n")
            else:
                said.seek(0)
                failure = said.read() or b"pg_restore failed"
            taker.close()
        except BrokenPipeError:  # psql met an error and ended; its own words tell
            maker.kill()
        finally:
            maker.stdout.close()
            maker.wait()
            with contextlib.suppress(BrokenPipeError):
                taker.close()
    return failure


def _environ(layout: Layout) -> dict[str, str]:
    """Return the environment of PostgreSQL's programs: the live release's settings in libpq's variables."""
    live = layout.linked(layout.current)
    if not live:
        raise ServerError("reach the database", "no release runs on this server")
    settings = environment(layout, layout.record(live))
    if not settings.get("DATABASE_HOST"):
        raise ServerError("reach the database", "the application has no DATABASE_HOST")
    found = {name: settings.get(f"DATABASE_{part}", "") for name, part in _VARIABLES.items()}
    kept: dict[str, str] = {name: settings[name] for name in _KEPT if name in settings}
    return {**kept, **{name: value for name, value in found.items() if value}, "PGCONNECT_TIMEOUT": "15"}


@dataclass(frozen=True)
class Programs:
    """PostgreSQL's client programs of one version, and the version of the database that they are for."""

    folder: Path
    major: int
    server: str

    def path(self, name: str) -> str:
        return str(self.folder / name)


def _programs(environ: Mapping[str, str]) -> Programs:
    """Return the oldest programs that are not older than the database: newer ones write what an old one can't read."""
    found = sorted(_installed(environ), key=lambda each: each[0])
    if not found:
        seen = f"this server has not got {', '.join(_NEEDED)}"
        raise ServerError("reach the database", seen, "Install PostgreSQL's client programs in its image")
    server = _server_version(found[-1][1], environ)
    major = int(server.partition(".")[0])
    for version, folder in found:
        if version >= major:
            return Programs(folder, version, server)
    seen = f"the database is PostgreSQL {server}, and this server's programs are {found[-1][0]}"
    raise ServerError("use the database", seen, f"Install PostgreSQL's client programs {major} in its image")


def _server_version(folder: Path, environ: Mapping[str, str]) -> str:
    command = [str(folder / "psql"), "--no-psqlrc", "--no-password", "-Atc", "SHOW server_version"]
    asked = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, env=dict(environ), check=False, timeout=_SOCKET_SECONDS
    )
    if asked.returncode:
        # libpq names host and user, never the password.
        said = asked.stderr.decode("utf-8", "replace").strip().splitlines() or ["psql said nothing"]
        raise ServerError("reach the database", said[-1])
    return asked.stdout.decode().split()[0]


def _installed(environ: Mapping[str, str]) -> Iterator[tuple[int, Path]]:
    """Yield version and folder: where FABSCALE_POSTGRES says, where Debian keeps them by version, on PATH."""
    given = environ.get("FABSCALE_POSTGRES")
    on_path = shutil.which("pg_dump", path=environ.get("PATH"))
    folders = [Path(given)] if given else [*Path("/usr/lib/postgresql").glob("[0-9]*/bin")]
    for folder in (*folders, *([Path(on_path).parent] if on_path and not given else [])):
        if all(os.access(folder / name, os.X_OK) for name in _NEEDED):
            asked = subprocess.run([str(folder / "pg_dump"), "--version"], capture_output=True, check=False)
            version = re.search(rb"(\d+)", asked.stdout)
            if version:
                yield int(version[1]), folder


def _file(layout: Layout, request: Mapping[str, Any]) -> Path:
    name = str(request["id"])
    if not _ID.fullmatch(name):
        raise ServerError("read the request", f"{name!r} is no id")
    return layout.shared / "dumps" / f"{name}.dump"


def _room(layout: Layout, path: Path) -> None:
    """Make the folder, its owner's only, and remove what a deployer that died has left there."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    for old in path.parent.iterdir():
        if time.time() - old.stat().st_mtime > _LEFT_OVER:
            old.unlink(missing_ok=True)


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file


def _put(url: str, headers: Mapping[str, str], file: IO[bytes]) -> None:
    try:
        with opened("PUT", url, headers, file, _SOCKET_SECONDS) as answer:
            status, said = answer.status, answer.read(2000)
    except BROKEN as error:
        raise ServerError("send the dump", f"{urlsplit(url).hostname}: {error or type(error).__name__}") from None
    if status != 200:
        raise ServerError("send the dump", f"S3 answered {status} {_code(said)}")


def _fetch(url: str, sha256: str, path: Path) -> None:
    try:
        with opened("GET", url, {}, b"", _SOCKET_SECONDS) as answer, _private(path) as file:
            if answer.status != 200:
                raise ServerError("fetch the dump", f"S3 answered {answer.status} {_code(answer.read(2000))}")
            shutil.copyfileobj(answer, file, _CHUNK)
    except BROKEN as error:
        raise ServerError("fetch the dump", f"{urlsplit(url).hostname}: {error or type(error).__name__}") from None
    if _digest(path) != sha256:
        raise ServerError("fetch the dump", "its SHA-256 is not the one that it had when it was made")


def _code(said: bytes) -> str:
    found = re.search(rb"<Code>(\w+)</Code>", said)
    return found[1].decode() if found else ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _last(layout: Layout, said: bytes) -> str:
    """Return the first line that tells an error, or the last one, with the release's secrets blotted out."""
    lines = said.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
    line = next((each for each in lines if "ERROR:" in each or "error:" in each), lines[-1])
    return redacted(layout, layout.linked(layout.current), line)
