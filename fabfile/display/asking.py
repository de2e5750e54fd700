"""Ask a person at a terminal."""

from __future__ import annotations

import sys


def somebody_there() -> bool:
    """Whether a person can be asked: both the question and the answer are on a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> str:
    """Ask on standard error and return the answer; "" when the terminal was closed."""
    sys.stderr.write(f"{question} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()
