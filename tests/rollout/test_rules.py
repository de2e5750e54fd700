"""Each rule of the table by an example that can be read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.apply.ledger_contract import Status
from fabfile.apply.simulated import Weather
from fabfile.apply.simulated_group import Fate, SimulatedGroup
from fabfile.apply.simulated_workers import SimulatedWorkers
from fabfile.rollout.accounting import accounted
from fabfile.rollout.capacity import batch_size
from fabfile.rollout.intents import begin, roll_back, supersede
from fabfile.rollout.model import Health, Intent, Launch, Lifecycle, Move, Phase, Policy
from fabfile.rollout.notes import noted
from fabfile.rollout.serial import plan
from fabfile.rollout.steps import LaunchInstances, Stopped, SwitchLaunchConfig, Terminate

from .fleets import ALIVE, NEW, NOW, OLD, Scene, even_fleet, first_steps, fleet, kinds, member, only_waits


def _hangs(launch_config: str, number: int) -> Fate:
    return Fate(boot=None) if launch_config == NEW else Fate()


@pytest.mark.parametrize("process", ["Launch", "Terminate", "HealthCheck", "AddToLoadBalancer"])
def test_a_group_that_could_not_be_deployed_to_is_refused_unchanged(process: str) -> None:
    steps = first_steps(even_fleet(2, suspended=frozenset({process})))
    assert steps == (Stopped(f"web has {process} suspended", safe=True, at=NOW),)


def test_an_unstable_group_is_waited_for_and_refused_after_the_slots_deadline() -> None:
    observed = fleet(member("i-1"), member("i-2", "b", lifecycle=Lifecycle.PENDING))
    assert only_waits(first_steps(observed))
    late = first_steps(observed, slot_since=NOW - 601)
    assert [step.reason for step in late] == ["web has not settled in 600 s: i-2 is pending"]


def test_a_launch_that_hangs_takes_the_group_back_and_nothing_served_less() -> None:
    scene = Scene(even_fleet(4), fates=_hangs)
    report = scene.run()
    assert report.status is Status.ROLLED_BACK
    assert report.reason == "the batch did not come into service in 600 s: i-000001 is pending"
    assert report.intents[0].evidence == ("i-000001: simulated",)
    assert scene.cloud.now_is().launch_config == OLD
    assert scene.cloud.watch.least_serving == 4


def test_a_failure_in_mid_deploy_brings_replaced_servers_back_too() -> None:
    scene = Scene(even_fleet(4), fates=lambda config, n: Fate(boot=None) if (config, n) == (NEW, 3) else Fate())
    assert scene.run().status is Status.ROLLED_BACK
    alive = [each for each in scene.cloud.now_is().members if each.lifecycle in ALIVE]
    assert [each.launch_config for each in alive] == [OLD] * 4


def test_a_failure_within_the_budget_is_replaced_and_the_rollout_goes_on() -> None:
    fates = lambda config, n: Fate(abandoned=20.0) if n == 1 else Fate()  # noqa: E731
    report = Scene(even_fleet(2), Policy(failure_budget=1), fates=fates).run()
    assert report.status is Status.DEPLOYED
    assert len(report.replaced) == 2


def test_a_refused_launch_stops_the_rollout_in_awss_words() -> None:
    report = Scene(even_fleet(2), capacity=2).run()
    assert report.status is Status.ROLLED_BACK
    assert "InsufficientInstanceCapacity in a" in report.reason


def test_going_back_that_fails_too_says_so_and_keeps_the_undo() -> None:
    fates = lambda config, n: Fate(boot=None) if n >= 2 else Fate()  # noqa: E731
    scene = Scene(even_fleet(2), fates=fates)
    report = scene.run()
    assert report.status is Status.HALF_WAY
    assert "going back failed" in report.reason
    assert scene.ledger.unfinished("shop", "staging")


def test_a_group_with_no_servers_is_only_switched() -> None:
    assert kinds(first_steps(fleet(desired=0))) == ["SwitchLaunchConfig"]


def test_the_launch_config_is_switched_before_anything_is_launched() -> None:
    steps = first_steps(even_fleet(2))
    assert kinds(steps) == ["SuspendProcesses", "SwitchLaunchConfig", "LaunchInstances"]


def test_a_group_at_its_maximum_is_deployed_to_and_has_its_maximum_again() -> None:
    scene = Scene(even_fleet(4, maximum=4))
    assert scene.run().status is Status.DEPLOYED
    assert scene.cloud.watch.most_above == 5
    assert scene.cloud.now_is().maximum == 4


def test_a_scale_out_by_two_in_mid_deploy_ends_all_new_with_desired_where_it_was_put() -> None:
    def add_two(group: SimulatedGroup) -> None:
        group.desired += 2

    scene = Scene(even_fleet(4), disturbances=((50.0, add_two),), weather=Weather(read_lag=2.0))
    assert scene.run().status is Status.DEPLOYED
    group = scene.settle()
    assert group.desired == 6 or group.desired == 7  # with or without the surge that they saw
    assert {each.launch_config for each in group.members} == {NEW}


def test_old_servers_that_do_not_serve_go_first() -> None:
    observed = fleet(member("i-1"), member("i-2", "b"), member("i-3", "b", health=Health.UNHEALTHY, age=1.0), maximum=9)
    scene = Scene(observed)
    scene.run()
    gone = [step.instance for step in scene.cloud.applied if isinstance(step, Terminate)]
    assert gone[0] == "i-3"


def test_servers_in_standby_and_on_the_target_are_skipped_with_their_reason() -> None:
    observed = fleet(member("i-1"), member("i-2", "b", NEW), member("i-3", lifecycle=Lifecycle.STANDBY))
    report = Scene(observed).run()
    assert report.skipped == (f"i-2: already on {NEW}", "i-3: in standby")
    assert report.replaced == ("i-1",)


def test_a_protected_server_is_replaced() -> None:
    observed = fleet(replace(member("i-1"), protected=True), member("i-2", "b"))
    assert set(Scene(observed).run().replaced) == {"i-1", "i-2"}


def test_migrations_that_fail_restore_the_worker_and_touch_no_server() -> None:
    workers = SimulatedWorkers(("w-1",), "r1", failing="r2")
    scene = Scene(even_fleet(2), workers=workers, release="r2")
    report = scene.run()
    assert report.status is Status.ROLLED_BACK
    assert report.reason == "migrations of r2 failed on w-1"
    assert [worker.release for worker in workers.seen("r1", scene.clock.now())] == ["r1"]
    touched = (SwitchLaunchConfig, LaunchInstances, Terminate)
    assert not [step for step in scene.cloud.applied if isinstance(step, touched)]


def test_a_rollback_after_migrations_says_what_that_means() -> None:
    workers = SimulatedWorkers(("w-1",), "r1")
    report = Scene(even_fleet(2), workers=workers, release="r2", fates=_hangs).run()
    assert report.reason.endswith("migrations of r2 have run and stay: the release before runs on their schema")


@pytest.mark.parametrize(("batch", "servers", "size"), [("2", 10, 2), ("25%", 10, 3), ("1%", 4, 1)])
def test_a_batch_is_a_number_or_a_percentage_rounded_up(batch: str, servers: int, size: int) -> None:
    assert batch_size(batch, servers) == size


@pytest.mark.parametrize("batch", ["0", "101%", "-1", "many"])
def test_a_batch_that_means_nothing_is_refused(batch: str) -> None:
    with pytest.raises(ValueError, match=r"batch|invalid literal"):
        batch_size(batch, 4)


@pytest.mark.parametrize(
    ("seen", "moved", "desired", "owned"),
    [
        (5, 0.0, 4, 1),  # ours
        (4, 3.0, 4, 1),  # older than our launch three seconds ago
        (4, 60.0, 4, 0),  # a minute later it is somebody's
        (7, 3.0, 7, 0),  # never a value of ours
    ],
)
def test_whose_desired_capacity_it_is(seen: int, moved: float, desired: int, owned: int) -> None:
    intent = Intent("d", NEW, OLD, desired=4, owned=1, moves=(Move(NOW - moved, 4),))
    after = accounted(replace(even_fleet(4).group, desired=seen), intent, Policy(), NOW)
    assert (after.desired, after.owned) == (desired, owned)


def test_a_raised_minimum_takes_the_surge_over() -> None:
    intent = Intent("d", NEW, OLD, desired=3, owned=1)
    group = replace(even_fleet(4).group, desired=4, minimum=4)
    assert accounted(group, intent, Policy(), NOW).owned == 0


def test_a_newer_target_takes_over_what_an_unfinished_deploy_owns_and_must_undo() -> None:
    intent = replace(
        begin(even_fleet(4), deploy_id="first", target=NEW, started=NOW),
        owned=1,
        suspended_before=frozenset({"Alarm"}),
        maximum_before=4,
    )
    newer = supersede(intent, deploy_id="second", target="lt-1:9", started=NOW)
    assert (newer.previous, newer.owned, newer.maximum_before) == (OLD, 1, 4)
    assert newer.suspended_before == frozenset({"Alarm"})


def test_repair_turns_an_unfinished_deploy_back() -> None:
    intent = begin(even_fleet(4), deploy_id="first", target=NEW, started=NOW)
    back = roll_back(intent, "repair was asked for")
    assert (back.phase, back.target, back.failure) == (Phase.ROLLING_BACK, OLD, "repair was asked for")


def test_a_fix_goes_over_a_fleet_that_does_not_serve_at_all() -> None:
    observed = fleet(*(member(f"i-{n}", "ab"[n % 2], health=Health.UNHEALTHY) for n in range(3)))
    assert Scene(observed).run().status is Status.DEPLOYED


def test_servers_of_a_batch_that_come_one_after_the_other_are_still_one_batch() -> None:
    """Eight servers, two at a time, of which every second one boots longer: four batches, not seven."""
    fates = lambda config, n: Fate(boot=90.0 if n % 2 else 60.0)  # noqa: E731
    scene = Scene(even_fleet(8), Policy(batch=2, min_healthy_time=10.0), fates=fates)
    report = scene.run()
    began = sorted({seconds for seconds, step in report.steps if isinstance(step, LaunchInstances)})
    batches = [first for first, before in zip(began, [-60.0, *began], strict=False) if first - before > 30.0]
    assert len(batches) == 4
    assert report.capacity_lowest == 8


def test_going_back_takes_no_server_whose_launch_was_not_answered() -> None:
    """Its name is not known; the same launch is asked for again, and its server goes once it is."""
    observed = even_fleet(2)
    lost = Launch("token-1", "a", 1, NEW, NOW - 5.0, 2)
    forward = begin(observed, deploy_id="d", target=NEW, started=NOW - 10.0)
    intent = roll_back(replace(forward, begun=True, owned=1, launched=1, launches=(lost,)), "fab repair")
    steps = plan(observed, intent, Policy(), NOW).steps
    assert "LaunchInstances" in kinds(steps)
    assert "Terminate" not in kinds(steps)


def test_a_server_that_we_sent_and_that_is_gone_at_the_next_look_has_not_failed() -> None:
    launch = Launch("token-1", "a", 1, NEW, NOW, 2, ids=("i-new",))
    intent = replace(
        begin(even_fleet(2), deploy_id="d", target=NEW, started=NOW),
        launches=(launch,),
        coming=(("i-new", NOW), ("i-other", NOW)),
        owned=1,
    )
    after = noted(Terminate("is surplus", "i-new", decrement=True, at=NOW), intent)
    assert (after.launches, after.coming) == ((), (("i-other", NOW),))
