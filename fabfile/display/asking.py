"""Ask a person at a terminal."""

from __future__ import annotations

import sys


def somebody_there() -> bool:
    """Whether a person can be asked: both the question and the answer are on a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def ask(question: str) -> str:
    """Ask on standard error and return the answer; "" when the terminal was closed."""
    sys.stderr.write(f"{question} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()
