"""What holds for every rollout, whatever fleet it meets and whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fabfile.apply.ledger_contract import Status
from fabfile.apply.simulated import Weather
from fabfile.apply.simulated_group import Fate, SimulatedGroup
from fabfile.apply.simulated_workers import SimulatedWorkers
from fabfile.rollout.intent_text import intent_from_text, intent_to_text
from fabfile.rollout.intents import begin
from fabfile.rollout.model import Health, Lifecycle, Member, Observed, Order, Policy
from fabfile.rollout.serial import plan
from fabfile.rollout.steps import Converged, LaunchInstances, RunMigrations, Terminate, Wait

from .fleets import ALIVE, NEW, NOW, OLD, Disturbance, Scene, fleet, member

quick = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


@st.composite
def fleets(draw: st.DrawFn, *, sick: bool = True) -> Observed:
    """Balanced groups of up to eight servers, some of them on the target, some ill, some in standby."""
    zones = draw(st.sampled_from([("a", "b"), ("a", "b", "c")]))
    count = draw(st.integers(1, 8))
    members: list[Member] = []
    for number in range(count):
        health = draw(st.sampled_from([Health.HEALTHY] * 5 + ([Health.UNHEALTHY] if sick else [])))
        config = draw(st.sampled_from([OLD, OLD, OLD, "lt-1:6", NEW if health is Health.HEALTHY else OLD]))
        members.append(member(f"i-old{number}", zones[number % len(zones)], config, health=health, age=100.0 + number))
    if draw(st.booleans()):
        members.append(member("i-aside", lifecycle=Lifecycle.STANDBY))
    suspended = draw(st.sampled_from([frozenset(), frozenset({"AZRebalance"}), frozenset({"AlarmNotification"})]))
    return fleet(
        *members,
        minimum=draw(st.integers(0, count)),
        maximum=count + draw(st.integers(0, 3)),
        suspended=suspended,
        zones=zones,
    )


policies = st.builds(
    Policy,
    batch=st.integers(1, 4),
    min_healthy_time=st.sampled_from([0.0, 10.0, 30.0]),
    slot_deadline=st.just(300.0),
)


def set_desired(count: int) -> Callable[[SimulatedGroup], None]:
    def change(group: SimulatedGroup) -> None:
        group.desired = max(group.minimum, min(count, group.maximum))

    return change


def _kill(number: int) -> Callable[[SimulatedGroup], None]:
    def change(group: SimulatedGroup) -> None:
        serving = [each.id for each in group.members.values() if each.lifecycle is Lifecycle.IN_SERVICE]
        if serving:
            group.terminate(serving[number % len(serving)])

    return change


def _resume_rebalance(group: SimulatedGroup) -> None:
    group.suspended.discard("AZRebalance")


scale = st.tuples(st.floats(0, 600), st.integers(1, 10).map(set_desired))
harm = st.tuples(st.floats(0, 600), st.integers(0, 9).map(_kill))
disturbances: st.SearchStrategy[tuple[Disturbance, ...]] = st.lists(scale | harm, max_size=4).map(tuple)

fates = st.sampled_from(
    [
        Fate(boot=30.0),
        Fate(boot=250.0),
        Fate(boot=None),
        Fate(boot=30.0, abandoned=20.0),
        Fate(boot=30.0, ill=15.0, replaced=20.0),
        Fate(boot=30.0, ill=40.0, replaced=600.0),
    ]
)


def _some_fail(fate: Fate, first: int) -> Callable[[str, int], Fate]:
    """Servers on the new config from the `first` launch on meet the fate."""
    return lambda launch_config, number: fate if launch_config == NEW and number >= first else Fate()


weathers = st.builds(
    Weather,
    read_lag=st.sampled_from([0.0, 2.0, 3.5]),
    lost_replies=st.frozensets(st.integers(1, 80), max_size=4),
    out_of_reach=st.frozensets(st.integers(1, 80), max_size=4),
)


@quick
@given(fleets(), policies, weathers)
def test_every_rollout_that_can_converge_does(observed: Observed, policy: Policy, weather: Weather) -> None:
    scene = Scene(observed, policy, weather=weather)
    report = scene.run()
    assert report.status is Status.DEPLOYED, report.reason
    alive = [each for each in scene.cloud.now_is().members if each.lifecycle in ALIVE]
    assert {each.launch_config for each in alive} == {NEW}
    assert len(alive) == observed.group.desired == scene.cloud.simulated.desired


@quick
@given(fleets(), policies, fates, st.integers(1, 6), weathers)
def test_capacity_never_falls_below_what_served_before(
    observed: Observed, policy: Policy, fate: Fate, first: int, weather: Weather
) -> None:
    """Servers that fall ill after they proved themselves are not our doing, so they are left out."""
    if fate.ill is not None and fate.ill >= policy.min_healthy_time:
        fate = Fate(boot=None)
    scene = Scene(observed, policy, fates=_some_fail(fate, first), weather=weather)
    scene.run()
    assert scene.cloud.watch.least_serving >= scene.intent.floor


@quick
@given(fleets(), policies, fates, st.integers(1, 6), weathers)
def test_there_are_never_more_servers_than_desired_and_a_batch(
    observed: Observed, policy: Policy, fate: Fate, first: int, weather: Weather
) -> None:
    scene = Scene(observed, policy, fates=_some_fail(fate, first), weather=weather)
    scene.run()
    assert scene.cloud.watch.most_above <= observed.group.desired + policy.batch


@quick
@given(fleets(sick=False), st.sampled_from([0.0, 10.0]), weathers)
def test_zones_stay_balanced(observed: Observed, min_healthy_time: float, weather: Weather) -> None:
    scene = Scene(observed, Policy(min_healthy_time=min_healthy_time), weather=weather)
    scene.run()
    assert scene.cloud.watch.worst_skew <= 1


@quick
@given(fleets(), policies, fates, st.integers(1, 4))
def test_a_stopped_rollout_leaves_the_group_on_what_its_healthy_servers_run(
    observed: Observed, policy: Policy, fate: Fate, first: int
) -> None:
    scene = Scene(observed, policy, fates=_some_fail(fate, first))
    report = scene.run()
    group = scene.cloud.now_is()
    if report.status is Status.DEPLOYED:
        assert group.launch_config == NEW
        return
    assert report.status is Status.ROLLED_BACK, report.reason
    previous = scene.intent.previous
    assert group.launch_config == previous
    before = {each.id for each in observed.group.members}
    launched = {each.launch_config for each in group.members if each.lifecycle in ALIVE and each.id not in before}
    assert previous == NEW or NEW not in launched


@quick
@given(fleets(), policies, fates, st.integers(1, 6), weathers)
def test_settings_are_restored_at_every_end(
    observed: Observed, policy: Policy, fate: Fate, first: int, weather: Weather
) -> None:
    scene = Scene(observed, policy, fates=_some_fail(fate, first), weather=weather)
    scene.run()
    group = scene.cloud.now_is()
    assert (group.maximum, group.suspended) == (observed.group.maximum, observed.group.suspended)
    assert group.desired == observed.group.desired


@quick
@given(fleets(), policies, disturbances)
def test_what_was_suspended_before_stays_suspended(
    observed: Observed, policy: Policy, happenings: tuple[Disturbance, ...]
) -> None:
    scene = Scene(observed, policy, disturbances=happenings)
    scene.run()
    assert scene.cloud.now_is().suspended == observed.group.suspended


@quick
@given(fleets(sick=False), policies, st.floats(0, 200), st.integers(1, 10), st.sampled_from([0.0, 2.0]))
def test_an_operators_desired_capacity_holds(
    observed: Observed, policy: Policy, when: float, count: int, lag: float
) -> None:
    """A value that the rollout itself goes through can't be told from its own, so another one is asked for."""
    wanted = max(observed.group.minimum, min(count, observed.group.maximum))
    assume(wanted not in range(observed.group.desired, observed.group.desired + policy.batch + 1))
    asked: list[int] = []

    def change(group: SimulatedGroup) -> None:
        group.desired = wanted
        asked.append(wanted)

    scene = Scene(observed, policy, disturbances=((when, change),), weather=Weather(read_lag=lag))
    report = scene.run()
    assert report.status is Status.DEPLOYED, report.reason
    if not asked:
        return
    group = scene.cloud.now_is()
    assert group.desired == asked[0]
    assert {each.launch_config for each in group.members if each.lifecycle in ALIVE} == {NEW}


@quick
@given(fleets(), policies, st.sets(st.integers(1, 120), max_size=6), fates, st.integers(1, 8), weathers)
def test_a_deploy_that_dies_anywhere_is_resumed_to_its_end(
    observed: Observed, policy: Policy, dies_at: set[int], fate: Fate, first: int, weather: Weather
) -> None:
    scene = Scene(observed, policy, fates=_some_fail(fate, first), weather=weather, dies_at=frozenset(dies_at))
    report = scene.run()
    group = scene.cloud.now_is()
    assert report.status in {Status.DEPLOYED, Status.ROLLED_BACK}, report.reason
    assert (group.desired, group.maximum) == (observed.group.desired, observed.group.maximum)
    assert group.suspended == observed.group.suspended
    assert sum(each.lifecycle in ALIVE for each in group.members) == group.desired


@quick
@given(fleets(), policies, disturbances, weathers)
def test_every_rollout_ends(
    observed: Observed, policy: Policy, happenings: tuple[Disturbance, ...], weather: Weather
) -> None:
    report = Scene(observed, policy, disturbances=happenings, weather=weather).run()
    assert report.status in {Status.DEPLOYED, Status.ROLLED_BACK}, report.reason


@quick
@given(st.integers(1, 8), policies)
def test_a_finished_fleet_plans_nothing(count: int, policy: Policy) -> None:
    servers = tuple(member(f"i-{n}", "ab"[n % 2], NEW) for n in range(count))
    observed = fleet(*servers, launch_config=NEW)
    intent = begin(observed, deploy_id="again", target=NEW, started=NOW)
    assert [type(step) for step in plan(observed, intent, policy, NOW).steps] == [Converged]


@quick
@given(fleets(), policies, fates, st.integers(1, 6), disturbances)
def test_every_step_carries_a_reason_of_its_own(
    observed: Observed, policy: Policy, fate: Fate, first: int, happenings: tuple[Disturbance, ...]
) -> None:
    scene = Scene(observed, policy, fates=_some_fail(fate, first), disturbances=happenings)
    scene.run()
    assert all(len(reason) > 10 for reason in scene.cloud.watch.reasons)


@quick
@given(fleets(), policies, st.floats(0, 100))
def test_the_plan_is_a_function_of_what_it_is_given(observed: Observed, policy: Policy, later: float) -> None:
    intent = begin(observed, deploy_id="deploy", target=NEW, started=NOW)
    first = plan(observed, intent, policy, NOW + later)
    assert first == plan(observed, intent, policy, NOW + later)
    assert intent_from_text(intent_to_text(first.intent)) == first.intent


@quick
@given(fleets(), policies, st.sets(st.integers(1, 60), max_size=4), weathers)
def test_launches_are_repeated_with_the_same_token_and_never_launch_twice(
    observed: Observed, policy: Policy, dies_at: set[int], weather: Weather
) -> None:
    scene = Scene(observed, policy, weather=weather, dies_at=frozenset(dies_at))
    scene.run()
    launches = [step.launch for step in scene.cloud.applied if isinstance(step, LaunchInstances)]
    by_token = {launch.token: (launch.zone, launch.count, launch.launch_config) for launch in launches}
    assert all(by_token[each.token] == (each.zone, each.count, each.launch_config) for each in launches)
    assert len(scene.cloud.simulated.ours) == sum(count for _, count, _ in by_token.values())


@quick
@given(fleets(), policies, weathers)
def test_a_server_on_the_target_is_never_sent_away_for_an_old_one(
    observed: Observed, policy: Policy, weather: Weather
) -> None:
    scene = Scene(observed, policy, weather=weather)
    scene.run()
    gone = {step.instance for step in scene.cloud.applied if isinstance(step, Terminate)}
    old = {each.id for each in observed.group.members if each.launch_config != NEW}
    assert gone <= old
    assert "i-aside" not in gone


@quick
@given(st.integers(0, 4), st.sets(st.integers(1, 60), max_size=4), st.sampled_from([Order.FIRST, Order.LAST]), weathers)
def test_migrations_run_once_and_never_two_at_a_time(
    servers: int, dies_at: set[int], order: Order, weather: Weather
) -> None:
    workers = SimulatedWorkers(("w-1", "w-2"), "r1", migration=120.0)
    observed = fleet(*(member(f"i-{n}", "ab"[n % 2]) for n in range(servers)))
    scene = Scene(observed, workers=workers, release="r2", order=order, dies_at=frozenset(dies_at), weather=weather)
    report = scene.run()
    assert report.status is Status.DEPLOYED, report.reason
    assert [release for _, release in workers.migrations_started] == ["r2"]
    assert sum(isinstance(step, RunMigrations) for step in scene.cloud.applied) >= 1
    assert {worker.release for worker in workers.seen("r2", scene.clock.now())} == {"r2"}


@quick
@given(fleets(sick=False), policies)
def test_a_wait_says_since_when_and_until_when(observed: Observed, policy: Policy) -> None:
    scene = Scene(observed, policy)
    intent = scene.intent
    for _ in range(20):
        decision = plan(scene.cloud.observe(intent), intent, policy, scene.clock.now())
        intent = decision.intent
        for step in decision.steps:
            if isinstance(step, Wait):
                assert step.since <= scene.clock.now()
                assert step.until is None or step.until >= scene.clock.now()
        scene.clock.sleep(5.0)
