"""Sizes that an operator asks for in mid-deploy: what the fleet ends with, and what the deploy makes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.apply.ledger_contract import Status
from fabfile.apply.recording import after, not_taken
from fabfile.apply.simulated import Weather
from fabfile.apply.simulated_group import Fate, SimulatedGroup
from fabfile.apply.world import Outcome
from fabfile.rollout.failing import PATIENCE
from fabfile.rollout.intent_text import intent_from_text, intent_to_text
from fabfile.rollout.intents import begin
from fabfile.rollout.model import Intent, Observed, Phase, Policy
from fabfile.rollout.serial import plan
from fabfile.rollout.sizing import up_to_date
from fabfile.rollout.steps import SetSizes
from fabfile.rollout.wish import Taken, Wish

from .fleets import ALIVE, NEW, NOW, OLD, Scene, even_fleet, kinds
from .test_invariants import _some_fail, fates, fleets, policies, quick, weathers


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    """Sizes that fit each other and every fleet: both limits are said."""
    minimum = draw(st.integers(0, 6))
    desired = minimum + draw(st.integers(0, 6))
    return Wish(1, desired, minimum, desired + draw(st.integers(0, 4)))


def ends_with(scene: Scene, wish: Wish) -> None:
    group = scene.settle()
    assert (group.minimum, group.desired, group.maximum) == (wish.minimum, wish.desired, wish.maximum)
    assert sum(each.lifecycle in ALIVE for each in group.members) == wish.desired
    assert group.suspended == scene.observed.group.suspended


@quick
@given(fleets(), policies, fates, st.integers(1, 6), st.floats(0, 250), wishes(), weathers)
def test_an_operators_size_is_what_the_fleet_ends_with(
    observed: Observed, policy: Policy, fate: Fate, first: int, when: float, wish: Wish, weather: Weather
) -> None:
    """Whatever the deploy comes to; a value that the rollout itself goes through is no exception."""
    scene = Scene(observed, policy, fates=_some_fail(fate, first), weather=weather, wishes=((when, wish),))
    report = scene.run()
    assert report.status in {Status.DEPLOYED, Status.ROLLED_BACK}, report.reason
    taken = report.intents[0].taken
    if taken is None:
        assert when > scene.clock.now() - NOW - 2 * scene.poll, "a wish of that time was to be taken up"
        return
    assert taken == Taken(wish, granted=True)
    ends_with(scene, wish)


@quick
@given(fleets(), policies, st.sets(st.integers(1, 60), max_size=4), st.floats(0, 100), wishes(), weathers)
def test_an_operators_size_outlives_the_deployer(
    observed: Observed, policy: Policy, dies_at: set[int], when: float, wish: Wish, weather: Weather
) -> None:
    scene = Scene(observed, policy, dies_at=frozenset(dies_at), weather=weather, wishes=((when, wish),))
    report = scene.run()
    if report.intents[0].taken is not None:
        ends_with(scene, wish)


def test_a_size_that_the_rollout_goes_through_itself_is_no_longer_lost() -> None:
    """Two servers, a batch of two: desired capacity reads 4 when 4 is asked for, and ends at 4."""
    scene = Scene(even_fleet(2), Policy(batch=2), wishes=((7.0, Wish(1, 4)),), weather=Weather(read_lag=2.0))
    assert scene.run().status is Status.DEPLOYED
    group = scene.settle()
    assert group.desired == len(group.members) == 4
    assert {each.launch_config for each in group.members} == {NEW}


def test_the_surge_comes_on_top_until_the_deploy_has_ended() -> None:
    scene = Scene(even_fleet(4), wishes=((7.0, Wish(1, 6)),))
    scene.run()
    (step,) = [each for each in scene.cloud.applied if isinstance(each, SetSizes)]
    assert (step.wanted, step.desired) == (6, 7)
    assert step.reason == "an operator asked for 6 servers, 1 more while the surge is there"
    assert scene.settle().desired == 6


def test_a_new_maximum_is_what_the_group_has_after_the_surge_that_needed_more() -> None:
    """The group was at its maximum, which the surge raised to 5: not 4 comes back but the operator's 6."""
    scene = Scene(even_fleet(4, maximum=4), wishes=((7.0, Wish(1, 6, 1, 6)),))
    scene.run()
    assert scene.cloud.watch.most_above == 7
    group = scene.settle()
    assert (group.minimum, group.desired, group.maximum) == (1, 6, 6)


def test_the_maximum_of_before_the_surge_is_what_a_wish_without_one_is_held_to() -> None:
    """MaxSize reads 5 for the surge's sake; 5 servers are more than the 4 that it goes back to."""
    scene = Scene(even_fleet(4, maximum=4), wishes=((7.0, Wish(1, 5)),))
    report = scene.run()
    assert report.status is Status.DEPLOYED
    assert report.intents[0].taken == Taken(Wish(1, 5), refusal="5 servers are above the maximum 4")
    group = scene.settle()
    assert (group.desired, group.maximum) == (4, 4)


@pytest.mark.parametrize(
    ("wish", "refusal"),
    [
        (Wish(1, 9, None, 8), "9 servers are above the maximum 8"),
        (Wish(1, 1, 2), "1 servers are below the minimum 2"),
        (Wish(1, 3, 5, 4), "the minimum 5 is above the maximum 4"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_and_the_deploy_goes_on(wish: Wish, refusal: str) -> None:
    scene = Scene(even_fleet(2), wishes=((7.0, wish),))
    report = scene.run()
    assert report.status is Status.DEPLOYED
    assert report.intents[0].taken == Taken(wish, refusal=refusal)
    assert scene.settle().desired == 2


def test_a_wish_from_before_the_deploy_is_no_wish_for_it() -> None:
    observed = replace(even_fleet(2), wish=Wish(7, 6))
    intent = up_to_date(begin(observed, deploy_id="d", target=NEW, started=NOW), observed.wish)
    assert "SetSizes" not in kinds(plan(observed, intent, Policy(), NOW).steps)


def test_a_wish_that_was_withdrawn_is_not_granted() -> None:
    scene = Scene(even_fleet(2), wishes=((7.0, Wish(1, 6, withdrawn=True)),))
    assert scene.run().intents[0].taken is None
    assert scene.settle().desired == 2


def test_a_wish_that_was_withdrawn_before_it_could_be_granted_is_granted_by_nobody() -> None:
    """Whoever asked has given up; the deployer that had taken it up died, and the next one must not surprise them."""
    asked, given_up = Wish(1, 6), Wish(2, 6, withdrawn=True)
    left = replace(begin(even_fleet(2), deploy_id="d", target=NEW, started=NOW), wishes_seen=1, taken=Taken(asked))
    assert up_to_date(left, given_up).taken is None
    assert "SetSizes" not in kinds(plan(replace(even_fleet(2), wish=given_up), left, Policy(), NOW).steps)


def test_a_wish_that_was_withdrawn_after_aws_was_asked_is_seen_to_its_end() -> None:
    """Whether the call took effect is not known: the sizes are set once more, and are what the intent says."""
    taken = Taken(Wish(1, 6), asked_at=NOW)
    left = replace(begin(even_fleet(2), deploy_id="d", target=NEW, started=NOW), wishes_seen=1, taken=taken)
    assert up_to_date(left, Wish(2, 6, withdrawn=True)).taken == taken
    granted = replace(left, taken=Taken(Wish(1, 6), granted=True))
    assert up_to_date(granted, Wish(2, 6, withdrawn=True)).taken == granted.taken


def test_the_newer_of_two_wishes_counts() -> None:
    scene = Scene(even_fleet(2), wishes=((7.0, Wish(1, 6)), (40.0, Wish(2, 3))))
    scene.run()
    assert scene.settle().desired == 3


def test_sizes_that_aws_goes_on_to_refuse_do_not_stop_the_deploy() -> None:
    """It tries as often as with its own settings, then says so and leaves the sizes as they are."""
    observed = replace(even_fleet(2), wish=Wish(1, 6))
    intent = Intent("d", NEW, OLD, desired=2)
    for number in range(PATIENCE):
        decision = plan(observed, intent, Policy(), NOW + number)
        step = decision.steps[0]
        assert isinstance(step, SetSizes)
        intent = after(decision.intent, step, Outcome(refusal="ResourceContention: busy"))
        intent = not_taken(intent, decision.steps[1:])
    assert intent.taken == Taken(Wish(1, 6), refusal="ResourceContention: busy")
    assert (intent.desired, intent.trouble, intent.phase) == (2, "", Phase.ROLLING)


def test_what_became_of_a_wish_is_kept_in_the_ledger() -> None:
    intent = Intent("d", NEW, OLD, wishes_seen=3, taken=Taken(Wish(3, 6, 2, 9, "ann@laptop"), granted=True))
    assert intent_from_text(intent_to_text(intent)) == intent


def test_a_scheduled_action_in_mid_deploy_changes_the_sizes_and_the_deploy_goes_on() -> None:
    """It sets all three, as AWS does at the action's time, whatever the surge has made of them."""

    def evening(group: SimulatedGroup) -> None:
        group.minimum, group.maximum, group.desired = 1, 3, 2

    for at in (1.0, 12.0, 33.0, 50.0, 90.0):
        scene = Scene(even_fleet(4, maximum=4), disturbances=((at, evening),), weather=Weather(read_lag=2.0))
        assert scene.run().status is Status.DEPLOYED
        group = scene.settle()
        assert (group.minimum, group.maximum, group.desired) == (1, 3, 2)
        assert {each.launch_config for each in group.members} == {NEW}
