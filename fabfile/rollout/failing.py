"""Rules for what goes wrong: evidence first, then back to the launch config before."""

from __future__ import annotations

from dataclasses import replace

from .deciding import act, think
from .model import Failure, Intent, Phase
from .situation import Situation, condition, listed
from .steps import Plan, SaveEvidence, Terminate

PATIENCE = 5  # refusals in a row; after each one the world is looked at again


def save_evidence(s: Situation) -> Plan | None:
    """Gather why servers failed before anything is done about them."""
    ids = tuple(each.instance for each in s.intent.failures if each.instance)
    fresh = tuple(name for name in ids if name not in s.intent.examined)
    if not fresh:
        return None
    return act(s, SaveEvidence(f"{listed(fresh)} failed; keep why before anything is removed", fresh))


def deadline(s: Situation) -> Plan | None:
    """End a batch whose time is over, whatever servers it went through."""
    since = s.intent.slot_since
    if not s.intent.begun or s.intent.trouble or since is None or s.now - since <= s.policy.slot_deadline:
        return None
    known = {failure.instance for failure in s.intent.failures}
    late = tuple(
        Failure(each.id, f"{condition(each)} after {s.now - since:.0f} s")
        for each in s.unripe
        if each.id not in known and "#" not in each.id
    )
    seen = listed(tuple(condition(each) for each in s.unripe), 3) or (
        f"{len(s.alive)} of {s.expected} servers exist, {len(s.serving_ids)} serve and {s.needed} are needed"
    )
    text = f"the batch did not come into service in {s.policy.slot_deadline:.0f} s: {seen}"
    return think(replace(s.intent, trouble=text, failures=s.intent.failures + late))


def too_many_refusals(s: Situation) -> Plan | None:
    """End what is refused again and again."""
    if s.intent.refusals < PATIENCE or s.intent.trouble:
        return None
    return think(replace(s.intent, trouble=f"terminations were refused {s.intent.refusals} times in a row"))


def give_up(s: Situation) -> Plan | None:
    """Go back once there is trouble, or more servers failed than the budget allows."""
    failures = s.intent.failures
    if not s.intent.trouble and len(failures) <= s.policy.failure_budget:
        return None
    whys = tuple(failure.why for failure in failures)
    reason = s.intent.trouble or listed(whys, 3)
    if s.intent.phase is Phase.ROLLING:
        return think(backwards(s.intent, reason))
    phase = Phase.ENDED if s.intent.phase is Phase.RESTORING else Phase.RESTORING
    return think(replace(s.intent, phase=phase, stuck=reason, trouble="", failures=()))


def backwards(intent: Intent, reason: str) -> Intent:
    """Return the intent that goes back: target and previous change places, and what was new is now old."""
    if not intent.previous:
        stuck = "there is no launch config to go back to"
        return replace(intent, phase=Phase.RESTORING, failure=reason, stuck=stuck, trouble="", failures=())
    return replace(
        intent,
        phase=Phase.ROLLING_BACK,
        target=intent.previous,
        previous=intent.target,
        release=intent.previous_release,
        previous_release=intent.release,
        worker_target=intent.worker_previous,
        worker_previous=intent.worker_target,
        failure=reason,
        trouble="",
        failures=(),
        refusals=0,
        slot_since=None,
        serving_since=(),
        coming=(),
        ailing=(),
        asked=tuple(each for each in intent.asked if " " not in each.what or "process" in each.what),
    )


def remove_failed(s: Situation) -> Plan | None:
    """Remove failed servers that are within the budget; the group launches others in their place."""
    failed = {failure.instance for failure in s.intent.failures}
    gone = [member for member in s.new if member.id in failed]
    steps = [
        Terminate(f"{each.id} failed; its group launches another one", each.id, decrement=False, replaces=False)
        for each in gone
    ]
    return act(s, *steps) if steps else None
