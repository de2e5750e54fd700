"""What holds for every canary, and each of its rules by an example."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.apply.events import Waiting
from fabfile.apply.ledger_contract import Status
from fabfile.apply.simulated import Weather
from fabfile.apply.simulated_group import Fate, SimulatedGroup
from fabfile.rollout.model import Observed, Policy
from fabfile.rollout.steps import AskForApproval, LaunchInstances, LookAtTraffic, Terminate
from fabfile.rollout.trial import Approval, Sample, Trial

from .fleets import ALIVE, NEW, NOW, OLD, Scene, WatchedCloud, even_fleet, kinds
from .test_invariants import fates, fleets, quick, set_desired, weathers

BAKE = 60.0
BAD, EQUAL = {NEW: 0.3, OLD: 0.01}, {NEW: 0.03, OLD: 0.03}
trials = st.builds(Trial, servers=st.integers(1, 3), bake_time=st.sampled_from([20.0, BAKE]))
policies = st.builds(Policy, batch=st.integers(1, 3), min_healthy_time=st.sampled_from([0.0, 10.0]))


def _scene(servers: int = 4, **settings: object) -> Scene:
    return Scene(even_fleet(servers), **{"trial": Trial(1, BAKE), **settings})  # type: ignore[arg-type]


def _on_new(group: SimulatedGroup) -> set[str]:
    return {each.id for each in group.members.values() if each.launch_config == NEW and each.lifecycle in ALIVE}


@quick
@given(fleets(sick=False), policies, trials, st.sets(st.integers(1, 80), max_size=3), weathers)
def test_a_worse_canary_never_becomes_the_fleet(
    observed: Observed, policy: Policy, trial: Trial, dies_at: set[int], weather: Weather
) -> None:
    """Nor does it serve when all is over, unless all servers were on its release before."""
    already = {each.id for each in observed.group.members if each.launch_config == NEW}
    scene = Scene(observed, policy, trial=trial, failing=BAD, weather=weather, dies_at=frozenset(dies_at))
    report = scene.run()
    old = [each for each in observed.group.members if each.launch_config != NEW and each.lifecycle in ALIVE]
    if not old:
        return
    assert report.status is Status.ROLLED_BACK, report.reason
    assert "the canary fails more than the old servers" in report.reason
    assert _on_new(scene.cloud.simulated) <= already
    assert {each.id for each in old} <= set(scene.cloud.simulated.members)


@quick
@given(fleets(sick=False), policies, trials, weathers)
def test_an_equal_canary_always_passes(observed: Observed, policy: Policy, trial: Trial, weather: Weather) -> None:
    scene = Scene(observed, policy, trial=trial, failing=EQUAL, weather=weather)
    report = scene.run()
    assert report.status is Status.DEPLOYED, report.reason


class BakingCloud(WatchedCloud):
    """Keeps who is on the new release whenever the canary is asked for pages."""

    def apply(self, step):  # type: ignore[no-untyped-def]
        if isinstance(step, LookAtTraffic):
            assert _on_new(self.simulated) == set(step.canaries)
        return super().apply(step)


@quick
@given(fleets(), policies, trials, st.sampled_from([EQUAL, BAD]), st.integers(1, 12), weathers)
def test_nothing_but_the_canary_is_on_the_new_release_while_it_bakes(
    observed: Observed, policy: Policy, trial: Trial, failing: dict[str, float], count: int, weather: Weather
) -> None:
    """Whatever autoscaling or an operator asks for meanwhile."""
    weather = replace(weather, read_lag=0.0)
    scene = Scene(
        observed, policy, trial=trial, failing=failing, weather=weather, disturbances=((80.0, set_desired(count)),)
    )
    scene.cloud.__class__ = BakingCloud
    scene.run()


@quick
@given(fleets(), policies, trials, fates, st.integers(1, 4), st.sampled_from([EQUAL, BAD]), weathers)
def test_capacity_never_falls_during_a_bake(
    observed: Observed,
    policy: Policy,
    trial: Trial,
    fate: Fate,
    first: int,
    failing: dict[str, float],
    weather: Weather,
) -> None:
    """Nor later; servers that fall ill after they proved themselves are not our doing, so they are left out."""
    if fate.ill is not None and fate.ill >= policy.min_healthy_time:
        fate = Fate(boot=None)
    fated = lambda config, number: fate if config == NEW and number >= first else Fate()  # noqa: E731
    scene = Scene(observed, policy, trial=trial, failing=failing, fates=fated, weather=weather)
    scene.run()
    assert scene.cloud.watch.least_serving >= scene.intent.floor
    assert scene.cloud.watch.most_above <= observed.group.desired + max(policy.batch, trial.servers)


@quick
@given(fleets(), policies, trials, st.sets(st.integers(1, 120), max_size=5), st.booleans(), weathers)
def test_canaries_are_not_launched_twice_whenever_the_deployer_dies(
    observed: Observed, policy: Policy, trial: Trial, dies_at: set[int], pause: bool, weather: Weather
) -> None:
    trial = replace(trial, pause=pause)
    scene = Scene(observed, policy, trial=trial, weather=weather, dies_at=frozenset(dies_at))
    scene.ledger.approve("deploy", Approval(granted=True, by="kim@laptop", at=NOW))
    report = scene.run()
    assert report.status is Status.DEPLOYED, report.reason
    old = sum(each.launch_config != NEW and each.lifecycle in ALIVE for each in observed.group.members)
    assert len(scene.cloud.simulated.ours) <= old
    assert scene.cloud.simulated.desired == observed.group.desired


def test_a_canary_bakes_beside_all_old_servers_before_the_first_of_them_goes() -> None:
    scene = _scene()
    report = scene.run()
    assert report.status is Status.DEPLOYED, report.reason
    taken = kinds(tuple(scene.cloud.applied))
    looks = [number for number, kind in enumerate(taken) if kind == "LookAtTraffic"]
    assert len(looks) >= BAKE / 7  # a look every 5 s, and the poll after it
    assert taken[: looks[-1]].count("LaunchInstances") == 1
    assert "Terminate" not in taken[: looks[-1]]
    assert (report.intents[0].trial.canary.requests, report.intents[0].trial.canary.failed) == (len(looks) * 20, 0)


def test_the_group_launches_what_serves_while_the_canary_bakes_and_the_new_release_afterwards() -> None:
    scene = _scene()
    scene.run()
    configs = [step.launch_config for step in scene.cloud.applied if hasattr(step, "launch_config")]
    assert configs == [NEW, OLD, NEW]


def test_a_worse_canary_is_stopped_with_both_figures_and_its_evidence_is_kept() -> None:
    scene = _scene(failing={NEW: 0.3})
    report = scene.run()
    assert report.status is Status.ROLLED_BACK
    assert report.reason.startswith("the canary fails more than the old servers: 30.0 % of its requests, ")
    assert "30 of 100 requests failed (old servers: 0 of 300)" in report.reason
    assert report.intents[0].evidence == ("i-000001: simulated",)
    (record,) = scene.ledger.history("shop", "staging")
    assert record.canary["canary"] == {"requests": 100, "failed": 30, "p99_ms": 20.0}
    assert record.canary["old"] == {"requests": 300, "failed": 0, "p99_ms": 20.0}


def test_a_worse_canary_goes_at_the_next_look_since_the_old_servers_never_ceased_to_serve() -> None:
    scene = _scene(failing={NEW: 0.3})
    scene.run()
    last_look = [step.at for step in scene.cloud.applied if isinstance(step, LookAtTraffic)][-1]
    (gone,) = [step for step in scene.cloud.applied if isinstance(step, Terminate)]
    assert gone.at - last_look <= 5.0


def test_a_site_that_fails_more_since_the_canary_serves_stops_it_too() -> None:
    scene = _scene()
    setting = scene.setting()
    counts = iter([Sample(1000, 0), Sample(1400, 60), *[Sample(9000, 900)] * 100])
    object.__setattr__(setting, "site", lambda: next(counts))
    scene.setting = lambda: setting  # type: ignore[method-assign]
    report = scene.run()
    assert report.status is Status.ROLLED_BACK
    assert "the site fails more since the canary serves: 60 of 400 requests, 0 of 1000 before" in report.reason


def test_a_canary_that_cannot_be_asked_is_asked_longer_and_then_not_let_through() -> None:
    scene = _scene(policy=Policy(min_requests=10**6, slot_deadline=300.0))
    report = scene.run()
    assert report.status is Status.ROLLED_BACK
    assert "the canary is not proven after 360 s, too few requests to tell: " in report.reason
    waits = [event.wait.reason for event in scene.events if isinstance(event, Waiting)]
    assert any("too few requests to tell: " in reason and "of 1000000" in reason for reason in waits)


def test_a_canary_that_is_lost_while_it_bakes_stops_the_rollout() -> None:
    lose = (60.0, lambda group: group.terminate("i-000001"))
    report = _scene(disturbances=(lose,)).run()
    assert report.status is Status.ROLLED_BACK
    assert report.reason == "i-000001 was lost while on trial as a canary"


def test_a_canary_that_falls_ill_is_not_waited_for_beyond_its_grace() -> None:
    report = _scene(fates=lambda config, n: Fate(ill=20.0, replaced=600.0) if config == NEW else Fate()).run()
    assert report.status is Status.ROLLED_BACK
    assert "i-000001 served and then did not" in report.reason


def test_a_canary_that_a_scale_in_takes_is_launched_again() -> None:
    def scale_in(group: SimulatedGroup) -> None:
        group.desired = 3
        group.terminate("i-000001")

    scene = _scene(disturbances=((60.0, scale_in),))
    report = scene.run()
    assert report.status is Status.DEPLOYED, report.reason
    assert scene.cloud.simulated.desired == 3


def test_a_deployer_that_dies_in_mid_bake_is_followed_by_one_that_bakes_from_the_start() -> None:
    scene = _scene(dies_at=frozenset({40}))
    assert scene.run().status is Status.DEPLOYED
    assert scene.deaths == 1
    looks = [step for step in scene.cloud.applied if isinstance(step, LookAtTraffic)]
    died = max(second.at - first.at for first, second in pairwise(looks))
    assert died >= 60
    after = [step for step in looks if step.at > looks[0].at + died]
    assert len(after) >= BAKE / 7  # a look every 5 s, and the poll after it
    assert sum(isinstance(step, LaunchInstances) for step in scene.cloud.applied) == 4


def test_a_paused_deploy_waits_for_as_long_as_nobody_says_anything_and_goes_on_when_somebody_does() -> None:
    def approve(_: SimulatedGroup) -> None:
        scene.ledger.approve("deploy", Approval(True, "kim@laptop", NOW + 4000))

    scene = _scene(trial=Trial(1, BAKE, pause=True), disturbances=((4000.0, approve), (2000.0, set_desired(6))))
    report = scene.run()
    assert report.status is Status.DEPLOYED, report.reason
    first_gone = next(step for step in scene.cloud.applied if isinstance(step, Terminate))
    assert first_gone.at >= NOW + 4000
    asked = next(step for step in scene.cloud.applied if isinstance(step, AskForApproval))
    assert asked.reason.endswith("Say fab resume to go on, fab repair to go back")
    waits = [event.wait for event in scene.events if isinstance(event, Waiting) and event.at > NOW + 1000]
    assert waits[0].reason.startswith("fab resume, or fab repair to go back (the canary of lt-1:8 has served ")
    assert (waits[0].since, waits[0].until) == (asked.at, None)
    assert report.intents[0].trial.approved_by == "kim@laptop"
    assert scene.cloud.simulated.desired == 6


def test_a_paused_deploy_that_is_rejected_goes_back_and_says_who_did() -> None:
    scene = _scene(trial=Trial(2, BAKE, pause=True))
    scene.ledger.approve("deploy", Approval(False, "kim@laptop", NOW))
    report = scene.run()
    assert report.status is Status.ROLLED_BACK
    assert report.reason.startswith("rejected by kim@laptop: 0 of ")
    assert _on_new(scene.cloud.simulated) == set()
    assert scene.cloud.watch.least_serving == 4


def test_a_deploy_that_goes_back_does_not_go_on_asking_whether_it_may_go_on() -> None:
    scene = _scene(trial=Trial(2, BAKE, pause=True))
    scene.ledger.approve("deploy", Approval(False, "kim@laptop", NOW))
    read, asked = scene.ledger.approval, []

    def counting(deploy_id: str) -> Approval | None:
        asked.append(scene.clock.now())
        return read(deploy_id)

    scene.ledger.approval = counting  # type: ignore[method-assign]
    assert scene.run().status is Status.ROLLED_BACK
    assert len(asked) == 1


@pytest.mark.parametrize(("servers", "canaries"), [(1, 1), (3, 3), (9, 4)])
def test_there_are_never_more_canaries_than_servers(servers: int, canaries: int) -> None:
    scene = _scene(trial=Trial(servers, BAKE))
    report = scene.run()
    assert len(report.intents[0].trial.canaries) == canaries
    assert report.status is Status.DEPLOYED


def test_a_canary_fits_into_a_group_at_its_maximum_which_it_has_again() -> None:
    scene = Scene(even_fleet(4, maximum=4), trial=Trial(2, BAKE))
    assert scene.run().status is Status.DEPLOYED
    assert scene.cloud.now_is().maximum == 4
