"""Workers: waited for when they are missing, and their group launches what they run, forwards and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.apply.ledger_contract import Record, Status, Unfinished
from fabfile.apply.recording import after
from fabfile.apply.simulated_group import Fate
from fabfile.apply.simulated_workers import SimulatedWorkers
from fabfile.apply.undertaking import Wanted, of_this_group, undertake
from fabfile.apply.world import Outcome
from fabfile.errors import StoppedHalfway
from fabfile.rollout.intents import begin
from fabfile.rollout.model import (
    Migration,
    Order,
    Phase,
    Policy,
    SetMaximum,
    SwitchLaunchConfig,
    SwitchWorkerConfig,
    Wait,
    Worker,
    WorkerPhase,
)
from fabfile.rollout.serial import plan

from .fleets import NEW, NOW, OLD, Scene, even_fleet, kinds

OLD_WORKER, NEW_WORKER = "lt-2:3", "lt-2:4"


def _scene(**settings: object) -> Scene:
    workers = SimulatedWorkers(("w-1",), "r1")
    scene = Scene(even_fleet(2), workers=workers, release="r2", **settings)  # type: ignore[arg-type]
    scene.cloud.worker_config = OLD_WORKER
    scene.intent = replace(scene.intent, worker_target=NEW_WORKER, worker_previous=OLD_WORKER)
    return scene


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
    return Unfinished(Record("a", task, "shop", "staging", NEW, OLD), intent)


def _workers_only(release: str) -> Wanted:
    return Wanted("deploy_worker", "shop", "staging", NEW, NEW, "c", release, "r1", Order.FIRST, servers=False)


def test_workers_alone_are_refused_while_a_deploy_of_servers_is_half_way_whose_undo_would_be_lost() -> None:
    with pytest.raises(StoppedHalfway, match="fab repair:shop,staging"):
        undertake(_workers_only("r3"), even_fleet(2), (_unfinished(servers=True),), "b", NOW)


def test_workers_get_the_release_that_was_asked_for_not_the_one_of_a_deploy_that_died() -> None:
    again = undertake(_workers_only("r2"), even_fleet(2), (_unfinished(servers=False),), "b", NOW)
    other = undertake(_workers_only("r3"), even_fleet(2), (_unfinished(servers=False),), "b", NOW)
    assert (again.record.id, again.intent.release) == ("a", "r2")
    assert (other.record.id, other.intent.release) == ("b", "r3")


def test_migrations_that_failed_in_an_earlier_deploy_of_the_release_are_run_again() -> None:
    worker = Worker("w-1", WorkerPhase.INSTALLED, "r1", Migration.FAILED)
    observed = replace(even_fleet(2, suspended=frozenset({"AZRebalance"})), workers=(worker,))
    intent = begin(observed, deploy_id="d", target=NEW, started=NOW, release="r2")
    asked = plan(observed, intent, Policy(), NOW)
    assert "RunMigrations" in kinds(asked.steps)
    assert plan(observed, asked.intent, Policy(), NOW + 1).intent.phase is not Phase.ROLLING


def test_a_deploy_of_an_environment_that_was_made_anew_since_is_not_taken_over() -> None:
    unfinished = _unfinished(servers=True)
    anew = even_fleet(2)
    anew = replace(anew, group=replace(anew.group, launch_config="lt-9:2"))
    assert of_this_group((unfinished,), even_fleet(2)) == (unfinished,)
    assert of_this_group((unfinished,), anew) == ()
