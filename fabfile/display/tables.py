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
_BETWEEN = 3  # characters between two columns


def render(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, terminal: bool = False, colour: bool = False
) -> str:
    """Return a table as text; as wide as the terminal, elsewhere never wrapped: grep finds lines.

    Text wraps between words only, so that ids and names can be copied; a terminal that is too narrow for them
    wraps the lines itself.
    """
    between = _BETWEEN * (len(headings) - 1)
    widths = _widths(headings, rows, shutil.get_terminal_size().columns - between if terminal else _WIDE)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading, width in zip(headings, widths, strict=True):
        table.add_column(heading, overflow="fold", width=width)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(
        file=io.StringIO(),
        width=sum(widths) + between,
        force_terminal=terminal,
        no_color=not colour,
        color_system="standard" if terminal and colour else None,
    )
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _widths(headings: Sequence[str], rows: Sequence[Sequence[str]], space: int) -> list[int]:
    """Return how wide the columns are: text wraps where it saves most, and no word is broken for want of space.

    rich shrinks the widest column first, which is the one that holds the longest name.
    """
    columns = [[Text(cell) for cell in column] for column in zip(headings, *rows, strict=True)]
    widths = [max(cell.cell_len for cell in column) for column in columns]
    least = [max(word.cell_len for cell in column for word in (cell.split(" ") or [cell])) for column in columns]
    while sum(widths) > space and widths != least:
        widest = max(range(len(widths)), key=lambda at: widths[at] - least[at])
        widths[widest] -= 1
    return widths
