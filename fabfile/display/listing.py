"""Lay out the list of tasks under headings."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One task of the list."""

    heading: str
    name: str
    text: str


def listing(lines: Sequence[Line], order: Sequence[str] = ()) -> str:
    """Return the list as text, headings in the given order and then as they come."""
    if not lines:
        return "There are no tasks."
    width = max(len(line.name) for line in lines)
    room = max(shutil.get_terminal_size().columns - width - 5, 30)
    present = {line.heading for line in lines}
    seen = dict.fromkeys((*(heading for heading in order if heading in present), *(line.heading for line in lines)))
    parts = []
    for heading in seen:
        parts.append(f"{heading}:\n")
        for line in lines:
            if line.heading == heading:
                first, *more = textwrap.wrap(line.text, room) or [""]
                parts.append(f"  {line.name:{width}}   {first}".rstrip())
                parts.extend(f"  {'':{width}}   {text}" for text in more)
        parts.append("")
    return "\n".join(parts)
