"""Workers: waited for when they are missing, and their group launches what they run, forwards and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.apply.ledger_contract import Record, Status, Unfinished
from fabfile.apply.recording import after
from fabfile.apply.simulated_group import Fate
from fabfile.apply.simulated_workers import SimulatedWorkers
from fabfile.apply.undertaking import Wanted, of_groups_that_are_there, undertake
from fabfile.apply.world import Outcome
from fabfile.errors import StoppedHalfway
from fabfile.rollout.intent_text import intent_from_text, intent_to_text
from fabfile.rollout.intents import begin, resume, supersede
from fabfile.rollout.model import (
    Asked,
    Intent,
    Lifecycle,
    Migration,
    Observed,
    Order,
    Phase,
    Policy,
    Worker,
    WorkerPhase,
)
from fabfile.rollout.serial import plan
from fabfile.rollout.steps import RunMigrations, SetMaximum, SwitchLaunchConfig, SwitchWorkerConfig, Wait
from fabfile.rollout.workers import who_migrates

from .fleets import NEW, NOW, OLD, Scene, even_fleet, fleet, kinds, member

OLD_WORKER, NEW_WORKER = "lt-2:3", "lt-2:4"


def _scene(**settings: object) -> Scene:
    workers = SimulatedWorkers(("w-1",), "r1")
    scene = Scene(even_fleet(2), workers=workers, release="r2", **settings)  # type: ignore[arg-type]
    scene.cloud.worker_config = OLD_WORKER
    scene.intent = replace(scene.intent, worker_target=NEW_WORKER, worker_previous=OLD_WORKER)
    return scene


def test_without_workers_a_web_server_migrates_before_any_server_is_replaced_and_goes_on_serving() -> None:
    scene = Scene(even_fleet(3), release="r2")
    assert scene.run().status is Status.DEPLOYED
    assert scene.cloud.watch.least_serving == 3
    taken = kinds(tuple(scene.cloud.applied))
    assert taken.index("InstallRelease") < taken.index("RunMigrations") < taken.index("SwitchLaunchConfig")
    assert [release for _, release in scene.cloud.workers.migrations_started] == ["r2"]
    assert not {"StopWorker", "StartWorker"} & set(taken)


def test_migrations_that_fail_on_a_web_server_replace_no_server() -> None:
    scene = Scene(even_fleet(2), release="r2", workers=SimulatedWorkers(failing="r2"))
    report = scene.run()
    assert report.status is Status.ROLLED_BACK
    assert report.reason.startswith("migrations of r2 failed on i-old0000")
    assert "LaunchInstances" not in kinds(tuple(scene.cloud.applied))


def test_migrations_that_come_last_run_on_a_new_web_server() -> None:
    scene = Scene(even_fleet(2), release="r2", order=Order.LAST)
    assert scene.run().status is Status.DEPLOYED
    (asked,) = [step for step in scene.cloud.applied if isinstance(step, RunMigrations)]
    assert not asked.worker.startswith("i-old")


@pytest.mark.parametrize("workers", [(), ("w-1",)])
def test_a_release_that_has_nothing_to_migrate_is_not_asked_to(workers: tuple[str, ...]) -> None:
    scene = Scene(even_fleet(2), release="r2", workers=SimulatedWorkers(workers, "r1"))
    scene.intent = replace(scene.intent, migrates=False)
    assert scene.run().status is Status.DEPLOYED
    assert scene.cloud.workers.migrations_started == []
    assert ("StartWorker" in kinds(tuple(scene.cloud.applied))) is bool(workers)


@pytest.mark.parametrize("dies_at", range(2, 10))
def test_a_deployer_that_dies_anywhere_leaves_migrations_that_run_once(dies_at: int) -> None:
    scene = Scene(even_fleet(2), release="r2", dies_at=frozenset({dies_at}))
    assert scene.run().status is Status.DEPLOYED
    assert len(scene.cloud.workers.migrations_started) == 1


def test_the_server_that_was_asked_migrates_though_one_with_a_lower_id_came_since() -> None:
    observed = fleet(member("i-1"), member("i-2"))
    intent = begin(observed, deploy_id="d", target=NEW, started=NOW, release="r2")
    assert who_migrates(observed.group, intent) == "i-1"
    asked = replace(intent, migrator="i-2")
    assert who_migrates(observed.group, asked) == "i-2"
    assert who_migrates(fleet().group, intent) == ""


def test_no_server_is_replaced_while_nobody_is_there_to_migrate() -> None:
    """The one server that was to migrate is gone, and its group's next one has yet to come."""
    observed = fleet(
        member("i-1", lifecycle=Lifecycle.LEAVING),
        member("i-2", lifecycle=Lifecycle.PENDING),
        suspended=frozenset({"AZRebalance"}),
    )
    intent = replace(begin(observed, deploy_id="d", target=NEW, started=NOW, release="r2"), begun=True)
    decided = plan(observed, intent, Policy(worker_deadline=100.0), NOW)
    assert [type(step) for step in decided.steps] == [Wait]
    assert decided.steps[0].reason == "there are no workers, and no server of web is there to migrate"
    late = plan(observed, decided.intent, Policy(worker_deadline=100.0), NOW + 101)
    assert late.intent.failure.endswith("no server of web is there to migrate after 100 s")


def test_a_group_that_is_to_have_no_servers_does_not_wait_for_one_that_migrates() -> None:
    observed = fleet(desired=0)
    intent = begin(observed, deploy_id="d", target=NEW, started=NOW, release="r2")
    assert "SwitchLaunchConfig" in kinds(plan(observed, intent, Policy(), NOW).steps)


def test_another_deployer_asks_the_same_server_though_one_with_a_lower_id_came_since() -> None:
    """What it migrates may be under way, and a second server would not know of it."""
    old = replace(fleet(member("i-2")), migrator=Worker("i-2", WorkerPhase.STOPPED))
    intent = replace(begin(old, deploy_id="d", target=NEW, started=NOW, release="r2"), begun=True)
    asked = plan(old, replace(intent, suspended_before=frozenset()), Policy(), NOW).intent
    grown = fleet(member("i-1"), member("i-2")).group
    assert who_migrates(grown, asked) == "i-2"
    assert who_migrates(grown, intent_from_text(intent_to_text(resume(asked)))) == "i-2"
    newer = supersede(asked, deploy_id="e", target="lt-1:9", started=NOW, release="r3")
    assert who_migrates(grown, newer) == "i-2"


def test_a_server_that_is_gone_with_migrations_under_way_stops_the_deploy_with_its_name() -> None:
    """Nobody can say how far they came; the release before serves on, and whoever looks knows where."""
    before = replace(fleet(member("i-1"), member("i-2")), migrator=Worker("i-1", WorkerPhase.INSTALLED))
    intent = begin(before, deploy_id="d", target=NEW, started=NOW, release="r2")
    intent = replace(intent, begun=True, migrator="i-1", asked=(Asked("install i-1", "r2", NOW),))
    asked = plan(before, intent, Policy(), NOW).intent
    after_it = replace(fleet(member("i-2"), desired=2), migrator=Worker("i-2", WorkerPhase.STOPPED))
    stopped = plan(after_it, asked, Policy(), NOW + 20)
    assert stopped.intent.failure == "i-1 is gone, which ran migrations of r2: how far they came is not known"
    assert "RunMigrations" not in kinds(stopped.steps)


def test_the_workers_group_launches_the_new_release_once_workers_run_it() -> None:
    scene = _scene()
    assert scene.run().status is Status.DEPLOYED
    assert scene.cloud.worker_config == NEW_WORKER
    taken = kinds(tuple(scene.cloud.applied))
    assert taken.index("RunMigrations") < taken.index("StartWorker") < taken.index("SwitchWorkerConfig")


@pytest.mark.parametrize("dies_at", range(2, 16))
def test_a_deployer_that_dies_anywhere_is_followed_by_one_that_switches_the_workers_group(dies_at: int) -> None:
    scene = _scene(dies_at=frozenset({dies_at}))
    assert scene.run().status is Status.DEPLOYED
    assert scene.cloud.worker_config == NEW_WORKER


def test_a_rollout_that_goes_back_takes_the_workers_group_back_too() -> None:
    scene = _scene(fates=lambda config, number: Fate(boot=None) if config == NEW else Fate())
    assert scene.run().status is Status.ROLLED_BACK
    assert SwitchWorkerConfig in {type(step) for step in scene.cloud.applied}
    assert scene.cloud.worker_config == OLD_WORKER


def test_servers_wait_for_a_worker_that_is_being_replaced_since_nobody_else_migrates() -> None:
    observed = replace(even_fleet(2, suspended=frozenset({"AZRebalance"})), workers_wanted=1)
    intent = begin(observed, deploy_id="d", target=NEW, started=NOW, release="r2")
    decided = plan(observed, intent, Policy(worker_deadline=100.0), NOW)
    waited = plan(observed, decided.intent, Policy(worker_deadline=100.0), NOW + 50)
    assert [type(step) for step in waited.steps] == [Wait]
    assert "1 of 1 workers have yet to come" in waited.steps[0].reason
    late = plan(observed, waited.intent, Policy(worker_deadline=100.0), NOW + 101)
    assert late.intent.phase is not Phase.ROLLING
    assert SwitchLaunchConfig not in {type(step) for step in (*decided.steps, *waited.steps)}


def test_a_worker_that_is_replaced_after_the_migrations_does_not_stop_the_servers() -> None:
    observed = replace(even_fleet(2), workers_wanted=1)
    intent = begin(observed, deploy_id="d", target=NEW, started=NOW, release="r2")
    steps = plan(observed, replace(intent, migrated=True, begun=True), Policy(), NOW).steps
    assert "LaunchInstances" in kinds(steps)


def _with_unseen(order: Order) -> tuple[Observed, Intent]:
    observed = replace(
        even_fleet(2, suspended=frozenset({"AZRebalance"})),
        workers=(Worker("w-1", WorkerPhase.OLD, "r1"),),
        workers_wanted=2,
        workers_unseen=(("w-2", "no route to host"),),
    )
    return observed, begin(observed, deploy_id="d", target=NEW, started=NOW, release="r2", order=order)


def test_a_worker_that_does_not_answer_is_waited_for_by_its_name_until_the_workers_deadline() -> None:
    observed, intent = _with_unseen(Order.FIRST)
    policy = Policy(worker_deadline=100.0)
    decided = plan(observed, intent, policy, NOW)
    waited = plan(observed, decided.intent, policy, NOW + 50)
    assert waited.steps[-1].reason == "w-2 does not answer (no route to host)"
    late = plan(observed, waited.intent, policy, NOW + 101)
    assert late.intent.failure == "w-2 does not answer (no route to host) after 100 s"


def test_servers_go_on_while_a_worker_does_not_answer_where_workers_come_last_or_not_at_all() -> None:
    for order in (Order.LAST, Order.NEVER):
        observed, intent = _with_unseen(order)
        assert "LaunchInstances" in kinds(plan(observed, intent, Policy(), NOW).steps)


def test_a_worker_that_answers_again_is_brought_along_and_its_deadline_starts_anew() -> None:
    observed, intent = _with_unseen(Order.FIRST)
    unseen = plan(observed, intent, Policy(), NOW)
    assert unseen.intent.workers_since == NOW
    back = replace(observed, workers=(*observed.workers, Worker("w-2", WorkerPhase.OLD, "r1")), workers_unseen=())
    seen = plan(back, unseen.intent, Policy(), NOW + 5)
    assert seen.intent.workers_since is None
    assert kinds(seen.steps) == ["StopWorker", "StopWorker"]


def test_a_read_that_lags_does_not_switch_the_workers_group_twice() -> None:
    worker = Worker("w-1", WorkerPhase.RUNNING, "r2", Migration.DONE)
    observed = replace(even_fleet(2), workers=(worker,), worker_config=OLD_WORKER)
    intent = begin(observed, deploy_id="d", target=NEW, started=NOW, release="r2", worker_target=NEW_WORKER)
    asked = plan(observed, intent, Policy(), NOW)
    assert kinds(asked.steps)[-1] == "SwitchWorkerConfig"
    assert "SwitchWorkerConfig" not in kinds(plan(observed, asked.intent, Policy(), NOW + 1).steps)
    assert "SwitchWorkerConfig" in kinds(plan(observed, asked.intent, Policy(), NOW + 60).steps)


def test_settings_that_aws_is_too_busy_to_change_are_asked_for_again_before_it_counts_as_trouble() -> None:
    intent = begin(even_fleet(2), deploy_id="d", target=NEW, started=NOW)
    busy = Outcome(refusal="ResourceContention: a pending update")
    for _ in range(4):
        intent = after(intent, SetMaximum("room", 21), busy)
        assert intent.trouble == ""
    assert after(after(intent, SetMaximum("room", 21), Outcome()), SetMaximum("room", 21), busy).trouble == ""
    assert "was refused" in after(intent, SetMaximum("room", 21), busy).trouble


def _unfinished(servers: bool) -> Unfinished:
    intent = begin(even_fleet(2), deploy_id="a", target=NEW, started=NOW, release="r2", servers=servers)
    intent = replace(intent, begun=True, suspended_before=frozenset() if servers else None)
    task = "deploy_serial" if servers else "deploy_worker"
    return Unfinished(Record("a", task, "shop", "staging", NEW, OLD), (intent,))


def _workers_only(release: str) -> Wanted:
    return Wanted("deploy_worker", "shop", "staging", {"web": NEW}, NEW, "c", release, "r1", Order.FIRST, servers=False)


def test_workers_alone_are_refused_while_a_deploy_of_servers_is_half_way_whose_undo_would_be_lost() -> None:
    with pytest.raises(StoppedHalfway, match="fab repair:shop,staging"):
        undertake(_workers_only("r3"), {"web": even_fleet(2).group}, (_unfinished(servers=True),), "b", NOW)


def test_workers_get_the_release_that_was_asked_for_not_the_one_of_a_deploy_that_died() -> None:
    again = undertake(_workers_only("r2"), {"web": even_fleet(2).group}, (_unfinished(servers=False),), "b", NOW)
    other = undertake(_workers_only("r3"), {"web": even_fleet(2).group}, (_unfinished(servers=False),), "b", NOW)
    assert (again.record.id, again.intents[0].release) == ("a", "r2")
    assert (other.record.id, other.intents[0].release) == ("b", "r3")


def test_migrations_that_failed_in_an_earlier_deploy_of_the_release_are_run_again() -> None:
    worker = Worker("w-1", WorkerPhase.INSTALLED, "r1", Migration.FAILED)
    observed = replace(even_fleet(2, suspended=frozenset({"AZRebalance"})), workers=(worker,))
    intent = begin(observed, deploy_id="d", target=NEW, started=NOW, release="r2")
    asked = plan(observed, intent, Policy(), NOW)
    assert "RunMigrations" in kinds(asked.steps)
    assert plan(observed, asked.intent, Policy(), NOW + 1).intent.phase is not Phase.ROLLING


def test_a_deploy_of_an_environment_that_was_made_anew_since_is_not_taken_over() -> None:
    unfinished = _unfinished(servers=True)
    assert of_groups_that_are_there((unfinished,), {"web": "lt-1"}, "web") == (unfinished,)
    assert of_groups_that_are_there((unfinished,), {"web": "lt-9"}, "web") == ()
    assert of_groups_that_are_there((unfinished,), {}, "web") == ()


def test_migrations_that_come_last_are_a_new_servers_since_an_old_one_may_not_be_ours() -> None:
    old, new = member("i-1", launch_config="site-2019"), member("i-2", launch_config=NEW)
    intent = begin(fleet(old, launch_config=OLD), deploy_id="d", target=NEW, started=NOW, order=Order.LAST)
    assert who_migrates(fleet(old).group, intent) == ""
    assert who_migrates(fleet(old, new).group, intent) == "i-2"
    assert who_migrates(fleet(old, new).group, replace(intent, order=Order.FIRST)) == "i-1"
