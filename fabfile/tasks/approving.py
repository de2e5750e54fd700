"""Tell a paused deploy, wherever it runs, to go on or to go back: it holds the lock, so the ledger carries the word."""

from __future__ import annotations

import getpass
import socket
from typing import TYPE_CHECKING

from ..apply.ledger_contract import Ledger, Unfinished
from ..errors import RolloutFailed
from ..rollout.model import Intent, Phase
from ..rollout.trial import Approval
from .wiring import ledger_of, lock_of

if TYPE_CHECKING:
    from .run import Run


def paused(ledger: Ledger, run: Run) -> Unfinished | None:
    """Return the environment's deploy that waits for an approval, whether its deployer lives or not."""
    found = ledger.unfinished(run.environment.deployment, run.environment.name)
    return found[0] if found and any(map(_waits, found[0].intents)) else None


def told(run: Run, granted: bool) -> bool:
    """Tell a paused deploy to go on or to go back; return whether it lives and has heard it.

    Of two people who say different things the first one counts, and the other one's command fails. A deployer that
    died has heard nothing: its deploy has to be taken up, and what was said stays with it.
    """
    ledger = ledger_of(run.aws(), run.environment)
    found = paused(ledger, run)
    if found is None:
        return False
    who = f"{getpass.getuser()}@{socket.gethostname()}"
    said = ledger.approve(found.record.id, Approval(granted, who, run.clock.now()))
    since = run.clock.now()
    for holder in lock_of(run.aws(), run.environment, run.clock).heartbeats():
        now = paused(ledger, run)
        if now is None or now.record.id != found.record.id:
            run.output.result(heard(said, granted, found.record.id, holder.owner))
            return True
        run.output.waiting(f"{holder.owner} to hear it", since)
    return False


def _waits(intent: Intent) -> bool:
    return intent.trial.paused_since is not None and not intent.trial.approved_by and intent.phase is Phase.ROLLING


def heard(said: Approval, granted: bool, deploy: str, where: str) -> str:
    """Say what the deploy was told; raises `RolloutFailed` where somebody was faster and said the opposite."""
    word, then = ("approved", "goes on") if said.granted else ("rejected", "goes back")
    if said.granted is not granted:
        wanted = "approve" if granted else "reject"
        raise RolloutFailed(
            f"{wanted} {deploy}",
            f"{said.by} has {word} it before, and the deploy of {where} {then}",
            "Look at `fab describe`; the first word counts",
        )
    return f"{deploy} was {word}: the deploy of {where} {then}"
