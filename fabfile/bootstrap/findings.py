"""What comparing an environment with its config finds: one verdict for each thing that deploys rely on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether it holds; SKIP where nobody could say."""

    OK = "OK"
    NG = "NG"
    SKIP = "SKIP"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `part` is what it belongs to, `next_step` what to do where it does not hold."""

    part: str
    what: str
    verdict: Verdict
    seen: str
    next_step: str = ""


def create(place: str) -> str:
    """Say what brings an environment ("deployment,environment") to what its config says.

    CloudFormation changes what the config changed, and leaves alone what somebody changed by hand since.
    """
    return f"Run `fab create_environment:{place}`; where that finds nothing to change, undo what was done by hand"


def hold(part: str, what: str, good: str, bad: str, next_step: str) -> Finding:
    """Return the finding that something holds: `bad` says why not, "" where it does."""
    return Finding(part, what, Verdict.NG, bad, next_step) if bad else Finding(part, what, Verdict.OK, good)


def failing(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return those that do not hold."""
    return tuple(finding for finding in findings if finding.verdict is Verdict.NG)


def tree(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the findings as lines below the parts that they belong to."""
    lines: list[str] = []
    for part in dict.fromkeys(finding.part for finding in findings):
        lines.append(part)
        lines += [f"  {_line(finding)}" for finding in findings if finding.part == part]
    return tuple(lines)


def _line(finding: Finding) -> str:
    text = f"{finding.verdict:<4}  {finding.what}: {finding.seen}"
    return f"{text}. {finding.next_step}" if finding.next_step else text
