"""`fab check_config`."""

from __future__ import annotations

from .declare import reading
from .run import Run


@reading(environment=False, group="Configuration")
def check_config(run: Run) -> None:
    """Check fabulaws-config.yml and report every problem at once, each with its line."""
    run.output.result(f"{run.config.path} is valid.")
