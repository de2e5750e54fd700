"""Start background processes of the embedded cloud's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_PARENT = Path(__file__).resolve().parents[3]  # the folder that holds the package, whatever its name


def start_module(
    module: str, arguments: Sequence[str], output: IO[bytes], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start `python -m module` in a session of its own, in a clean environment.

    Its standard input is a pipe that nobody else holds: it ends when this process does, however that happens.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        env={"PATH": os.defpath, "PYTHONPATH": str(_PARENT), "LANG": "C.UTF-8", **environment},
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
