"""Tell what a deploy does while it goes on."""

from __future__ import annotations

from ..apply.events import Event, EvidenceSaved, GroupBegun, OutOfReach, PhaseChanged, StepRefused, StepTaken, Waiting
from ..apply.report import Report
from ..display.output import Output


class Teller:
    """Turn the loop's events into progress."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def __call__(self, event: Event) -> None:
        match event:
            case GroupBegun():
                turn = "goes back" if event.back else f"{event.number} of {event.count} groups"
                self._output.progress(f"{event.group}: {turn}")
            case PhaseChanged():
                self._output.progress(f"now {event.phase}: {event.reason}")
            case StepTaken():
                ids = f" ({', '.join(event.ids)})" if event.ids else ""
                self._output.progress(f"{name_of(event.step)}: {event.step.reason}{ids}")
            case StepRefused():
                self._output.progress(f"{name_of(event.step)} was refused: {event.refusal}")
            case Waiting():
                self._output.waiting(event.wait.reason, event.wait.since, event.wait.until)
            case OutOfReach():
                self._output.waiting(event.error, event.since, event.until)
            case EvidenceSaved():
                for line in event.lines:
                    self._output.progress(f"  {line}")


def name_of(step: object) -> str:
    """Return a step's name as words: LaunchInstances is "launch instances"."""
    name = type(step).__name__
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def summary(report: Report, servers: int) -> str:
    """Return the last line of a deploy that ended well, but for the probe's part."""
    replaced = f"{len(report.replaced)} of {servers} servers replaced in {report.seconds:.1f} s"
    skipped = f", {len(report.skipped)} ran it already" if report.skipped else ""
    groups = f", in {len(report.groups)} groups" if len(report.groups) > 1 else ""
    return replaced + skipped + groups
