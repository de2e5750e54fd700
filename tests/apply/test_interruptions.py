"""What a deploy does when its ledger falls silent, or its group is not what it was any more."""

from __future__ import annotations

import pytest

from fabfile.apply.events import OutOfReach
from fabfile.apply.ledger_contract import Record, Status
from fabfile.apply.memory_ledger import MemoryLedger
from fabfile.apply.series import run
from fabfile.errors import StoppedHalfway, Unreachable, UsageError
from fabfile.rollout.model import Intent, Observed
from tests.rollout.fleets import NEW, NOW, OLD, Scene, even_fleet

_RECORD = Record("deploy", "deploy_serial", "shop", "staging", NEW, OLD, started=NOW)


class SilentLedger(MemoryLedger):
    """A ledger that does not answer some of its writes, counted from 1."""

    def __init__(self, silent: range) -> None:
        super().__init__()
        self._silent = silent
        self._writes = 0

    def save(self, intent: Intent) -> None:
        self._writes += 1
        if self._writes in self._silent:
            raise Unreachable("write to the table", "no answer")
        super().save(intent)


def _scene(silent: range) -> Scene:
    scene = Scene(even_fleet(2))
    scene.ledger = SilentLedger(silent)
    return scene


def test_a_ledger_that_is_silent_for_a_while_is_waited_for_and_nothing_is_changed_meanwhile() -> None:
    scene = _scene(range(3, 6))
    report = run(scene.setting(), _RECORD, scene.intent)
    assert report.status is Status.DEPLOYED
    assert sum(isinstance(event, OutOfReach) for event in scene.events) == 3


def test_a_ledger_that_stays_silent_stops_the_deploy_half_way_with_what_to_do_next() -> None:
    scene = _scene(range(3, 10_000))
    with pytest.raises(StoppedHalfway, match="fab resume"):
        run(scene.setting(), _RECORD, scene.intent)
    assert scene.ledger.unfinished("shop", "staging")


def test_a_group_that_is_no_longer_deployable_in_mid_deploy_stops_it_half_way() -> None:
    scene = Scene(even_fleet(2))
    observe = scene.cloud.observe

    def seen(intent: Intent) -> Observed:
        if scene.cloud.calls > 6:
            raise UsageError("describe the group", "there is none")
        return observe(intent)

    scene.cloud.observe = seen  # type: ignore[method-assign]
    with pytest.raises(StoppedHalfway, match="there is none"):
        run(scene.setting(), _RECORD, scene.intent)
