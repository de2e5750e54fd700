"""The server program is one file that depends on nothing but its source."""

from __future__ import annotations

import io
import zipfile

from fabfile.releases.program import server_program


def test_the_program_is_the_same_bytes_each_time_and_has_every_module() -> None:
    assert server_program() == server_program()
    with zipfile.ZipFile(io.BytesIO(server_program())) as packed:
        assert {"__main__.py", "server/__init__.py", "server/s3.py"} <= set(packed.namelist())
        assert {member.date_time for member in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
