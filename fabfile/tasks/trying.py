"""The canary and the batch that a command line and the config ask for together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config.environment import Environment
from ..errors import UsageError
from ..rollout.capacity import batch_size
from ..rollout.trial import NO_TRIAL, Trial

if TYPE_CHECKING:
    from ..rollout.model import Intent
    from .deploying import Request
    from .run import Run


def trial_of(environment: Environment, request: Request, servers: int) -> Trial:
    """Return the canary of a deploy of so many servers; none where no servers are replaced.

    Without a number of its own the first batch is the canary, where it is to bake or to wait for an approval. Raises
    `UsageError` for a number that means nothing, and for 0, which asks for none, together with what needs one.
    """
    rollout = environment.rollout
    wanted = request.canary or rollout.canary
    needed = bool(request.bake_time or request.pause)
    if not request.servers or (wanted == "0" and not needed):
        return NO_TRIAL
    if request.canary == "0":
        seen = "--canary 0 asks for none, and --bake-time and --pause are about one"
        raise UsageError("try a canary", seen, "Leave --canary out: the first batch is the canary then")
    size = _size((request.batch or rollout.batch) if wanted == "0" else wanted, servers)
    return Trial(size, request.bake_time or rollout.bake_time, request.pause)


def tell_batch(run: Run, request: Request, intent: Intent, batch: int) -> None:
    """Say what a share of a group's servers comes to: 25% of 3 is 1."""
    share = request.batch or run.environment.rollout.batch
    if request.servers and share.endswith("%"):
        of = f"{share} of {max(intent.desired, 1)} servers"
        run.output.progress(f"a batch of {intent.group} is {of}, rounded up: {batch}")


def _size(wanted: str, servers: int) -> int:
    try:
        return batch_size(wanted, servers)
    except ValueError as error:
        seen = str(error).replace("a batch is", "a canary is", 1)
        raise UsageError("try a canary", seen, "Say --canary 1, or --canary 10%") from error
