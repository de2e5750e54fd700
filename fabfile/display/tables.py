"""Draw tables with rich."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 10_000


def render(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, terminal: bool = False, colour: bool = False
) -> str:
    """Return a table as text; as wide as the terminal, elsewhere never wrapped: grep finds lines."""
    width = shutil.get_terminal_size().columns if terminal else _WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=terminal,
        no_color=not colour,
        color_system="standard" if terminal and colour else None,
    )
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
