"""Ask a site for its pages while something is done to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..apply.description import site_of
from ..config.environment import Environment, Provider
from ..errors import Unreachable
from ..probe.traffic import Traffic
from ..rollout.trial import Sample

if TYPE_CHECKING:
    from .run import Run


class Seen:
    """How a site's requests went; nothing where none are sent."""

    def __init__(self, run: Run, traffic: Traffic | None) -> None:
        self._run = run
        self._traffic = traffic
        self._end: Mapping[str, object] | None = None

    def so_far(self) -> Sample | None:
        """Return the requests until now; None where nobody knows."""
        try:
            report = self._traffic.snapshot() if self._traffic else None
        except Unreachable:
            return None  # said once, at the end
        return Sample(report.total, report.failed, report.p99_ms) if report else None

    def to_the_end(self) -> Mapping[str, object]:
        """Stop the requests and return how all of them went; {} where nobody knows."""
        if self._end is None:
            self._end = self._stopped(self._traffic) if self._traffic else {}
        return self._end

    def _stopped(self, traffic: Traffic) -> Mapping[str, object]:
        try:
            return traffic.stop().as_json()
        except Unreachable as error:
            self._run.output.warning(f"nobody knows how the site was: {error}")
            return {}


@contextmanager
def probed(run: Run, wanted: bool, rate: float) -> Iterator[Seen]:
    """Send the site requests at a steady rate until what is yielded is asked how they went.

    None are sent where they are not wanted, no rate is given here or in the config, or there is no load balancer.
    """
    rate = rate or run.environment.rollout.probe_rate
    site = site_of(run.aws(), run.environment) if wanted and rate else ""
    if not site:
        yield Seen(run, None)
        return
    with Traffic(site, rate, run.environment.rollout.probe_paths, ca=_authorities(run.environment)) as traffic:
        yield Seen(run, traffic)


def _authorities(environment: Environment) -> Path | None:
    """Return the authority of the embedded cloud's certificates; None on AWS, whose certificates everybody trusts."""
    from ..localcloud.state import CloudFolder  # noqa: PLC0415

    local = environment.provider is Provider.LOCAL
    return CloudFolder.of(environment.state).tls / "ca.pem" if local else None
