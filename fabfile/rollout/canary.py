"""Rules for a canary: some new servers beside all old ones, until they have proved themselves.

The old servers stay until it is over, so that going back means no more than to take the canary away: capacity never
falls and nobody waits for a boot. The price is that the surge, as many servers as there are canaries, is paid for as
long as the bake. When it has passed, as many old servers go as canaries came, and batches follow.
"""

from __future__ import annotations

from dataclasses import replace

from . import rolling
from .comparing import Verdict, compared
from .deciding import act, think, wait
from .model import Failure, Intent
from .situation import Situation, listed
from .steps import AskForApproval, LookAtTraffic, Plan
from .trial import Sample, Trial

COMPARED = 3  # old servers that are asked for each canary: more would tell little more


def watch(s: Situation) -> Plan | None:
    """Know the canaries by name: one that is gone without our doing stops the rollout.

    Unless somebody asked for fewer servers meanwhile, and it was the one to go: then another takes its place.
    """
    if not s.on_trial:
        return None
    trial = s.intent.trial
    known = frozenset(name for name in s.canaries if "#" not in name)
    gone = tuple(sorted(set(trial.canaries) - known))
    if gone and s.expected >= trial.expected:
        return _stop(s.intent, f"{listed(gone)} was lost while on trial as a canary")
    if known != set(trial.canaries):
        return think(_with(s.intent, replace(trial.baked_anew(), canaries=tuple(sorted(known)), expected=s.expected)))
    if s.expected > trial.expected and known:
        return think(_with(s.intent, replace(trial, expected=s.expected)))
    return None


def launch(s: Situation) -> Plan | None:
    """Launch the canaries that are missing, and wait until all of them serve."""
    if not s.on_trial:
        return None
    if s.canaries_missing > 0 and not s.in_doubt:
        reason = f"canary of {s.intent.target} beside {len(s.old)} servers, which stay until it has passed"
        return rolling.launch_surge(s, s.canaries_missing, rolling.next_to_go(s, s.canaries_missing), reason)
    if s.canaries_missing > 0 or s.unripe:
        trial = s.intent.trial
        if trial.baking_since is not None:
            return think(_with(s.intent, replace(trial.baked_anew(), canaries=trial.canaries, expected=trial.expected)))
        if not s.intent.begun:  # the canary served before us, and its deadline counts from now on
            return think(replace(s.intent, begun=True))
        return rolling.await_servers(s)
    return None


def bake(s: Situation) -> Plan | None:
    """Look again and again at what the canary answers; it has to be no worse, for the whole bake."""
    trial = s.intent.trial
    if not s.on_trial or trial.paused_since is not None:
        return None
    if trial.baking_since is None:
        since = dict(s.intent.serving_since)
        began = max((since[member.id] for member in s.new), default=s.now)
        return think(_with(s.intent, replace(trial, baking_since=began)))
    if worse := _worse(s, trial):
        return _stop(s.intent, worse, s.new_ids)
    if not trial.bake_time or (_is_over(s, trial) and _verdict(s, trial) is Verdict.FINE):
        return None
    if trial.looked_at is None or s.now - trial.looked_at >= s.policy.look_every:
        return _look(s)
    return _go_on_baking(s, trial)


def approve(s: Situation) -> Plan | None:
    """End the trial; where a person is to approve, ask and wait for the answer."""
    trial = s.intent.trial
    if not s.on_trial:
        return None
    if not trial.pause or trial.approved_by:
        return think(_with(s.intent, replace(trial, passed=True, paused_since=None)))
    said = s.raw.approval
    if said is not None and said.granted:
        return think(_with(s.intent, replace(trial, approved_by=said.by)))
    if said is not None:
        return _stop(s.intent, f"rejected by {said.by}: {trial.figures}")
    seen = f"the canary of {s.intent.target} has served {_baked(s, trial):.0f} s: {trial.figures}"
    if trial.paused_since is None:
        return act(s, AskForApproval(f"{seen}. Say fab resume to go on, fab repair to go back"))
    return wait(s, f"fab resume, or fab repair to go back ({seen})", trial.paused_since)


def _look(s: Situation) -> Plan:
    canaries = tuple(sorted(s.new_ids))
    old = tuple(sorted(member.id for member in s.old if member.id in s.serving_ids))[: COMPARED * len(canaries)]
    return act(s, LookAtTraffic(f"what {listed(canaries)} and {len(old)} old servers answer", canaries, old))


def _worse(s: Situation, trial: Trial) -> str:
    """Say in what the canary is worse; "" when it is not, as far as can be told."""
    if compared(trial.canary, trial.old, s.policy) is Verdict.WORSE:
        return f"the canary fails more than the old servers: {_percent(trial.canary)} of its requests, {trial.figures}"
    before = trial.site_before or Sample()
    if before.requests and compared(trial.site, before, s.policy) is Verdict.WORSE:
        return f"the site fails more since the canary serves: {trial.site} requests, {before} before; {trial.figures}"
    return ""


def _verdict(s: Situation, trial: Trial) -> Verdict:
    return compared(trial.canary, trial.old, s.policy)


def _go_on_baking(s: Situation, trial: Trial) -> Plan:
    since = s.now if trial.baking_since is None else trial.baking_since
    count, total = len(s.new), len(s.alive)
    if not _is_over(s, trial):
        left = since + trial.bake_time - s.now
        text = f"the canary ({count} of {total} servers on {s.intent.target}) to bake {left:.0f} s more"
        return wait(s, f"{text}: {trial.figures}", since, trial.bake_time)
    few = f"{Verdict.TOO_FEW.value}: {min(trial.canary.requests, trial.old.requests or trial.canary.requests)}"
    longest = trial.bake_time + s.policy.slot_deadline
    if s.now - since > longest:
        return _stop(s.intent, f"the canary is not proven after {longest:.0f} s, {few}; {trial.figures}", s.new_ids)
    return wait(s, f"the canary to be asked more, {few} of {s.policy.min_requests}", since, longest)


def _is_over(s: Situation, trial: Trial) -> bool:
    return _baked(s, trial) >= trial.bake_time


def _baked(s: Situation, trial: Trial) -> float:
    return 0.0 if trial.baking_since is None else s.now - trial.baking_since


def _percent(sample: Sample) -> str:
    return f"{100 * sample.share:.1f} %"


def _stop(intent: Intent, why: str, culprits: frozenset[str] = frozenset()) -> Plan:
    """Go back; the culprits' evidence is saved before they go."""
    failures = tuple(Failure(name, why) for name in sorted(culprits))
    return think(replace(intent, trouble=why, failures=intent.failures + failures))


def _with(intent: Intent, trial: Trial) -> Intent:
    return replace(intent, trial=trial)
