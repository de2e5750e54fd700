"""Ask a site for its pages while something is done to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..apply.description import site_of
from ..config.environment import Environment, Provider
from ..errors import Unreachable
from ..probe.traffic import Traffic

if TYPE_CHECKING:
    from .run import Run

Seen = Callable[[], Mapping[str, object]]


@contextmanager
def probed(run: Run, wanted: bool, rate: float) -> Iterator[Seen]:
    """Send the site requests at a steady rate until what is yielded is asked how they went.

    The answer is {} where none were sent: not wanted, no rate given here or in the config, no load balancer.
    """
    rate = rate or run.environment.rollout.probe_rate
    site = site_of(run.aws(), run.environment) if wanted and rate else ""
    if not site:
        yield dict
        return
    with Traffic(site, rate, run.environment.rollout.probe_paths, ca=_authorities(run.environment)) as traffic:

        @cache
        def seen() -> Mapping[str, object]:
            try:
                return traffic.stop().as_json()
            except Unreachable as error:
                run.output.warning(f"nobody knows how the site was: {error}")
                return {}

        yield seen


def _authorities(environment: Environment) -> Path | None:
    """Return the authority of the embedded cloud's certificates; None on AWS, whose certificates everybody trusts."""
    from ..localcloud.state import CloudFolder  # noqa: PLC0415

    local = environment.provider is Provider.LOCAL
    return CloudFolder.of(environment.state).tls / "ca.pem" if local else None
