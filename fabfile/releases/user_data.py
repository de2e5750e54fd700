"""The server program as one file, and the user data that brings a machine to run it.

In: a server.json document. Out: bytes that depend on it and on this version of the code only. Never: a secret.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import shlex
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..templating import fill_in

LIMIT = 16384  # bytes, before encoding: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
USER = "webserver_user"
SERVER_PROGRAM = "${FABSCALE_ROOT:-}/opt/fabscale/server.py"  # for a shell on the server

_PACKAGE = "fabscale_server"
_BOOTSTRAP = ("failures", "backoff", "transfer", "sigv4", "metadata", "calls", "s3", "lifecycle", "bootstrap")
_PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*")
_DOCUMENT = re.compile(r"<<'DOCUMENT' \| gunzip[^\n]*\n(.*?)\nDOCUMENT\n", re.DOTALL)
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first time that a ZIP file knows


def build_server_program() -> bytes:
    """Return the server program as a zipapp for Python 3.9 and newer; the same code gives the same bytes."""
    names = sorted(path.stem for path in _sources().glob("*.py") if path.stem not in {"__init__", "bootstrap"})
    return _zipapp(names, "main", compression=zipfile.ZIP_DEFLATED)


def build_bootstrap() -> bytes:
    """Return the part of the server program that user data carries: it fetches the rest, or abandons the launch."""
    return _zipapp(_BOOTSTRAP, "bootstrap", compression=zipfile.ZIP_STORED)


def render_user_data(document: Mapping[str, Any], project: Path | None = None) -> str:
    """Return the user data for a server.json, which names the server program as `program: {key, sha256}`.

    A project's own template, in `templates/` of its folder, takes the place of ours.
    Raises UsageError when the result is longer than EC2 takes, or a package's name is none.
    """
    packages = [str(name) for name in document.get("packages", ())]
    for name in packages:
        if not _PACKAGE_NAME.fullmatch(name):
            raise UsageError("render user data", f"{name!r} is no Debian package's name", "Check `packages`")
    values = {
        "name": re.sub(r"[^\w.-]", "_", f"{document['deployment']}-{document['environment']}"),
        "document": _packed(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()),
        "bootstrap": _packed(build_bootstrap()),
        "packages": shlex.join(packages),
        "user": USER,
        "stop_seconds": int(float(document.get("stop_seconds", 3600 if document["role"] == "worker" else 60))) + 30,
    }
    text = fill_in("user_data.sh.j2", project, values)
    if len(text.encode()) > LIMIT:
        raise UsageError(
            "render user data",
            f"it has {len(text.encode())} bytes, EC2 takes {LIMIT}",
            "Move long values of `environ` into the application or to the Parameter Store",
        )
    return text


def read_document(user_data: str) -> dict[str, Any] | None:
    """Return the server.json that user data carries, or None where it is not ours."""
    found = _DOCUMENT.search(user_data)
    if found is None:
        return None
    document: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return document


def _sources() -> Path:
    return Path(__file__).parent / "server"


def _zipapp(names: Iterable[str], entry: str, compression: int) -> bytes:
    start = f"import sys\nfrom {_PACKAGE}.{entry} import main\n\nsys.exit(main(sys.argv[1:]))\n"
    contents = {"__main__.py": start.encode()}
    for name in ("__init__", *names):
        contents[f"{_PACKAGE}/{name}.py"] = (_sources() / f"{name}.py").read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in contents.items():
            info = zipfile.ZipInfo(name, _EARLIEST)
            info.compress_type = compression
            info.create_system = 3  # not the one of the machine that builds it
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def _packed(content: bytes) -> str:
    return base64.encodebytes(gzip.compress(content, 9, mtime=0)).decode().strip()
