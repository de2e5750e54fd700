"""The server program as one file: the package `server` in a zip that Python runs."""

from __future__ import annotations

import io
import zipfile
from importlib import resources

_MAIN = 'import runpy\n\nrunpy.run_module("server", run_name="__main__", alter_sys=True)\n'
_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold; the bytes depend on the program only


def server_program() -> bytes:
    """Return the program, the same bytes wherever it is made. https://docs.python.org/3/library/zipapp.html"""
    package = resources.files(__package__).joinpath("server")
    modules = {f"server/{file.name}": file.read_bytes() for file in package.iterdir() if file.name.endswith(".py")}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted({**modules, "__main__.py": _MAIN.encode()}.items()):
            member = zipfile.ZipInfo(name, _TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)
    return packed.getvalue()
