"""Several commands as one program: how a worker server runs several workers, such as Celery's with a queue each."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

_PR_SET_PDEATHSIG = 1  # prctl(2)
_LOOK_EVERY = 0.1  # seconds


def run_together(commands: Mapping[str, Sequence[str]], environ: Mapping[str, str]) -> int:
    """Run commands side by side until one ends, or until SIGTERM; then all are asked to end and waited for.

    The exit code is 0 only when SIGTERM came: supervisord starts all of them anew after one that died.
    """
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
    children = {
        name: subprocess.Popen(words, env=environ, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)  # noqa: PLW1509
        for name, words in commands.items()
    }
    while not stopping and all(child.poll() is None for child in children.values()):
        time.sleep(_LOOK_EVERY)
    for name, child in children.items():
        if child.poll() is not None and not stopping:
            sys.stderr.write(f"fabscale: {name} ended with {child.returncode}; all are started anew\n")
        child.terminate()
    for child in children.values():
        child.wait()
    return 0 if stopping else 1


def die_with_parent() -> None:
    """Have the kernel end this process when its parent dies, so that nobody goes on unsupervised."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
