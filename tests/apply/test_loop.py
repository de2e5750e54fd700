"""The apply loop: what it records, when it stops, how it bears with a world that does not answer."""

from __future__ import annotations

import time

import pytest

from fabfile.apply.events import OutOfReach, PhaseChanged, StepTaken
from fabfile.apply.forecast import Durations, forecast
from fabfile.apply.ledger_contract import Record, Status
from fabfile.apply.series import run
from fabfile.apply.simulated import Weather
from fabfile.errors import StoppedHalfway, Unreachable
from fabfile.rollout.intents import begin
from fabfile.rollout.model import Intent, Observed, Policy
from fabfile.rollout.serial import plan
from fabfile.rollout.steps import LaunchInstances
from fabfile.rollout.trial import Trial
from tests.rollout.fleets import NEW, NOW, OLD, Scene, even_fleet


class LosingLease:
    """A lease that is lost after some checks."""

    token = 1

    def __init__(self, checks: int) -> None:
        self.checks = checks

    def check(self) -> None:
        self.checks -= 1
        if self.checks < 0:
            raise StoppedHalfway("go on", "the lock was lost", "Run `fab resume`")

    def release(self) -> None:
        pass


def _record() -> Record:
    return Record("deploy", "deploy_serial", "shop", "staging", NEW, OLD, started=NOW)


def test_a_paused_deploy_whose_lock_is_lost_stops_waiting_for_an_approval() -> None:
    """Whoever has taken it up is told what is said from now on; the one before would wait for ever."""
    scene = Scene(even_fleet(2), trial=Trial(1, 10.0, pause=True))
    setting = scene.setting()
    object.__setattr__(setting, "lease", LosingLease(200))
    with pytest.raises(StoppedHalfway, match="the lock was lost"):
        run(setting, _record(), scene.intent)


def test_a_lost_lease_stops_before_the_next_change() -> None:
    scene = Scene(even_fleet(2))
    setting = scene.setting()
    object.__setattr__(setting, "lease", LosingLease(3))
    with pytest.raises(StoppedHalfway, match="the lock was lost"):
        run(setting, _record(), scene.intent)
    assert len(scene.cloud.applied) == 2
    assert scene.ledger.unfinished("shop", "staging")


def test_a_world_out_of_reach_before_anything_changed_is_just_unreachable() -> None:
    scene = Scene(even_fleet(2), weather=Weather(out_of_reach=range(1, 1000)))
    with pytest.raises(Unreachable, match="no answer"):
        scene.run()
    assert any(isinstance(event, OutOfReach) for event in scene.events)


def test_a_world_that_falls_silent_in_mid_deploy_stops_half_way() -> None:
    scene = Scene(even_fleet(2), weather=Weather(out_of_reach=range(8, 1000)))
    with pytest.raises(StoppedHalfway, match="fab resume"):
        scene.run()


class NotAllowed(Unreachable):
    """What AWS answers every time, until somebody changes a policy."""

    passing = False


def denied_from(scene: Scene, look: int) -> None:
    """Let the world's looks be refused for want of a right, from one of them on."""
    observe, looks = scene.cloud.observe, [0]

    def refusing(intent: Intent) -> Observed:
        looks[0] += 1
        if looks[0] >= look:
            raise NotAllowed("describe the group", "you are not allowed to autoscaling:DescribeAutoScalingGroups")
        return observe(intent)

    scene.cloud.observe = refusing  # type: ignore[method-assign]


@pytest.mark.parametrize(("look", "ends"), [(1, NotAllowed), (5, StoppedHalfway)])
def test_a_missing_right_is_not_waited_for(look: int, ends: type[Exception]) -> None:
    scene = Scene(even_fleet(2))
    denied_from(scene, look)
    with pytest.raises(ends, match="not allowed to autoscaling:DescribeAutoScalingGroups"):
        scene.run()
    assert not any(isinstance(event, OutOfReach) for event in scene.events)


def test_the_intent_is_in_the_ledger_before_a_launch() -> None:
    scene = Scene(even_fleet(2))
    apply, launches = scene.cloud.apply, []

    def looking(step: object) -> object:
        if isinstance(step, LaunchInstances):
            (unfinished,) = scene.ledger.unfinished("shop", "staging")
            launches.append(step.launch.token in {each.token for each in unfinished.intents[0].launches})
        return apply(step)  # type: ignore[arg-type]

    scene.cloud.apply = looking  # type: ignore[assignment, method-assign]
    scene.run()
    assert launches == [True, True]


def test_the_record_tells_what_was_done() -> None:
    scene = Scene(even_fleet(2))
    scene.run()
    (record,) = scene.ledger.history("shop", "staging")
    assert (record.status, record.capacity) == (Status.DEPLOYED, {"before": 2, "lowest": 2})
    assert set(record.instances["replaced"]) == {"i-old0000", "i-old0001"}
    assert record.finished == NOW + record.seconds
    assert scene.ledger.unfinished("shop", "staging") == ()


def test_every_step_and_every_phase_is_told() -> None:
    scene = Scene(even_fleet(1))
    report = scene.run()
    assert [event.step for event in scene.events if isinstance(event, StepTaken)] == [s for _, s in report.steps]
    assert any(isinstance(event, PhaseChanged) for event in scene.events)


def test_a_forecast_tells_steps_and_times_and_changes_nothing() -> None:
    observed = even_fleet(4)
    intent = begin(observed, deploy_id="d", target=NEW, started=NOW)
    foretold = forecast(observed, intent, Policy(batch=2), Durations(boot=60.0))
    assert foretold.report.status is Status.DEPLOYED
    assert 120 < foretold.report.seconds < 240


@pytest.mark.parametrize(("servers", "seconds"), [(1000, 0.05), (10_000, 0.5)])
def test_one_decision_stays_fast_in_a_large_fleet(servers: int, seconds: float) -> None:
    observed = even_fleet(servers, maximum=servers)
    intent = begin(observed, deploy_id="d", target=NEW, started=NOW)
    took = []
    for _ in range(3):
        began = time.perf_counter()
        plan(observed, intent, Policy(batch=servers // 4), NOW)
        took.append(time.perf_counter() - began)
    assert min(took) < seconds * 4  # four times the aim: the machine may be busy
