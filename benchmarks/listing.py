"""How much longer `fab --list` takes than bare Fabric's, in processor time."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .figure import Figure

ROOT = Path(__file__).resolve().parents[1]
_FAB = Path(sys.executable).with_name("fab")
_BARE = "from fabric import task\n\n\n@task\ndef nothing(c):\n    'Nothing.'\n"
_PAIRS = 15


def measure() -> Iterator[Figure]:
    """Yield the median ratio of pairs that ran one after the other."""
    with tempfile.TemporaryDirectory(prefix="fabscale-bench-") as folder:
        Path(folder, "fabfile.py").write_text(_BARE)
        _seconds(ROOT)  # compiles what was not compiled yet
        pairs = [(_seconds(ROOT), _seconds(Path(folder))) for _ in range(_PAIRS)]
    ratio = statistics.median(ours / bare for ours, bare in pairs)
    seconds = statistics.median(ours for ours, _ in pairs)
    yield Figure(
        "list",
        "`fab --list` over bare Fabric's",
        round(ratio, 2),
        "×",
        1.3,
        f"processor time, median of {_PAIRS} pairs",
        {"seconds": round(seconds, 3)},
    )


def _seconds(folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([_FAB, "--list"], cwd=folder, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
