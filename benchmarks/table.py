"""The figures as a page of the documentation."""

from __future__ import annotations

from collections.abc import Sequence

from .figure import Figure

_HEAD = """# Performance

Measured by `make bench`, which writes this page and `benchmarks/results.json` anew. Times depend on the machine: what
is held to are ratios where there is something to compare with, and generous limits elsewhere.

{machine}

| what | measured | at most | how |
|---|---|---|---|
"""
_FORMULA = """
The shortest possible time of a rollout is the sum over its batches of their slowest server, and one drain. A server's
time is that from its launch to `InService`, as the cloud's scaling activities tell it: boot, user data, start and
`min_healthy_time`. Drains overlap with the next batch, the last one doesn't.

Calls of the rollout of {servers}:

| action | calls |
|---|---|
{calls}
"""


def page(figures: Sequence[Figure], machine: str) -> str:
    """Return the page in Markdown."""
    rows = "".join(f"| {each.what} | {_measured(each)} | {_limit(each)} | {each.how} |\n" for each in figures)
    text = _HEAD.format(machine=machine) + rows
    rollouts = [each for each in figures if each.part == "rollout"]
    if rollouts:
        first = rollouts[0]
        called = first.details["calls"]
        assert isinstance(called, dict)
        calls = "\n".join(f"| {action} | {count} |" for action, count in sorted(called.items()))
        text += _FORMULA.format(servers=first.what, calls=calls)
    return text


def _measured(figure: Figure) -> str:
    return f"{figure.value:g} {figure.unit}" + ("" if figure.holds else " **(too much)**")


def _limit(figure: Figure) -> str:
    return "" if figure.limit is None else f"{figure.limit:g}"
