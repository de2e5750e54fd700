"""What is written where, on a terminal and elsewhere."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import pytest

from fabfile.display.listing import Line, listing
from fabfile.display.output import Output, Streams
from fabfile.display.tables import render


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    time: float = 1_795_219_200.0  # 2026-11-21T00:00:00Z

    def now(self) -> float:
        return self.time


@dataclass
class Remembering:
    """A live line that remembers."""

    shown: list[str] = field(default_factory=list)
    cleared: int = 0

    def show(self, text: str) -> None:
        self.shown.append(text)

    def clear(self) -> None:
        self.cleared += 1


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    name: str
    colour: Colour
    path: Path
    tags: frozenset[str]


def written(live: Remembering | None = None) -> tuple[Output, Clock, io.StringIO, io.StringIO]:
    clock, out, err = Clock(), io.StringIO(), io.StringIO()
    return Output(Streams(out, err, live=live), clock.now), clock, out, err


def test_results_go_to_standard_output_and_all_else_to_standard_error() -> None:
    """So that `name=$(fab create_launch_config …)` works."""
    output, _, out, err = written()
    output.result("the name")
    output.progress("looked")
    output.warning("careful")
    output.error("cannot do it: it was seen.")
    assert out.getvalue() == "the name\n"
    assert err.getvalue() == (
        "2026-11-21T00:00:00Z looked\n2026-11-21T00:00:00Z warning: careful\ncannot do it: it was seen.\n"
    )


def test_json_takes_dataclasses_enums_paths_and_sets() -> None:
    """Results are models; nobody converts them by hand."""
    output, _, out, _ = written()
    output.json({"things": (Thing("a", Colour.RED, Path("b"), frozenset({"y", "x"})),)})
    expected = {"name": "a", "colour": "red", "path": "b", "tags": ["x", "y"]}
    assert json.loads(out.getvalue()) == {"things": [expected]}


def test_a_long_wait_is_heard_of_every_fifteen_seconds() -> None:
    """What is waited for, since when and until when; not at every look."""
    output, clock, _, err = written()
    since = clock.now()
    output.progress("launched i-1")
    for _ in range(40):
        clock.time += 1
        output.waiting("i-1 to become healthy", since, since + 600)
    assert err.getvalue().splitlines()[1:] == [
        "2026-11-21T00:00:15Z waiting for i-1 to become healthy: 15 s since 00:00:00Z, until 00:10:00Z at the latest",
        "2026-11-21T00:00:30Z waiting for i-1 to become healthy: 30 s since 00:00:00Z, until 00:10:00Z at the latest",
    ]


def test_on_a_terminal_a_wait_changes_one_line_in_place() -> None:
    """Lines that stay have no time there, and the live line makes way for them."""
    live = Remembering()
    output, clock, _, err = written(live)
    output.waiting("the lock", clock.now())
    clock.time += 1
    output.waiting("the lock", clock.now() - 1)
    output.progress("got it")
    assert live.shown == [
        "waiting for the lock: 0 s since 00:00:00Z",
        "waiting for the lock: 1 s since 00:00:00Z",
    ]
    assert live.cleared == 1
    assert err.getvalue() == "got it\n"


def test_a_table_is_never_wrapped_where_nobody_looks() -> None:
    """grep finds whole lines, and markup in a value is shown as it is."""
    text = render(["server", "state"], [["i-1", "[red]" + "x" * 300]])
    assert text.splitlines()[-1].endswith("[red]" + "x" * 300)
    assert "\x1b" not in text


def test_a_terminal_that_is_too_narrow_breaks_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id is there to be copied; sentences wrap between their words."""
    monkeypatch.setenv("COLUMNS", "30")
    server, config = "i-0123456789abcdef0", "opendebates-local-20261121T0913Z-7e7b238"
    lines = render(["server", "runs", "why"], [[server, config, "it was asked to"]], terminal=True).splitlines()
    assert [line for line in lines if server in line and config in line]
    assert [line.split()[-1] for line in lines[2:]] == ["it", "was", "asked", "to"]


def test_colour_is_for_terminals_that_want_it() -> None:
    """NO_COLOR and pipes get none."""
    assert "\x1b" not in render(["server"], [["i-1"]], terminal=True, colour=False)
    assert "\x1b" in render(["server"], [["i-1"]], terminal=True, colour=True)


def test_the_list_of_tasks_keeps_the_order_of_headings() -> None:
    """Known headings first, others as they come."""
    lines = [Line("Yours", "a", "One."), Line("Looking", "bb", "Two.")]
    assert listing(lines, ("Deploying", "Looking")) == "Looking:\n\n  bb   Two.\n\nYours:\n\n  a    One.\n"
