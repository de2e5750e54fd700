"""Measure, write results.json and docs/performance.md; exit 1 when a figure is beyond its limit."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from . import deciding, listing, observing, releasing, rollouts
from .figure import Figure
from .table import page

_ROOT = Path(__file__).resolve().parents[1]
_RESULTS = _ROOT / "benchmarks" / "results.json"
_PARTS: Mapping[str, Callable[[], Iterator[Figure]]] = {
    "rollout": rollouts.measure,
    "observing": observing.measure,
    "decision": deciding.measure,
    "list": listing.measure,
    "release": releasing.measure,
}


def main() -> int:
    """Run the parts that are named, or all of them, and write down what they come to in place of their last figures."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *_PARTS], help="what to measure; everything if left out")
    chosen = parser.parse_args().parts or list(_PARTS)
    figures = []
    for part in chosen:
        for figure in _PARTS[part]():
            figures.append(figure)
            verdict = "" if figure.holds else f"  beyond {figure.limit:g}"
            print(f"{figure.what}: {figure.value:g} {figure.unit}{verdict}", flush=True)
    known = [*(each for each in _written() if each.part not in chosen), *figures]
    known.sort(key=lambda each: list(_PARTS).index(each.part))
    _RESULTS.write_text(json.dumps([asdict(each) for each in known], indent=2) + "\n")
    (_ROOT / "docs" / "performance.md").write_text(page(known, _machine()))
    return 0 if all(each.holds for each in figures) else 1


def _written() -> list[Figure]:
    return [Figure(**each) for each in json.loads(_RESULTS.read_text())] if _RESULTS.exists() else []


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}."


if __name__ == "__main__":
    sys.exit(main())
