"""Every ledger keeps the contract's promises; the one in DynamoDB also keeps stale deployers out."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from fabfile.apply.dynamo_ledger import DynamoLedger
from fabfile.apply.ledger_contract import GroupPart, Ledger, Record, Status
from fabfile.apply.memory_ledger import MemoryLedger
from fabfile.aws.dynamodb import Key, Table
from fabfile.errors import StoppedHalfway
from fabfile.locks.dynamodb import DynamoRegister
from fabfile.locks.lease import LeaseLock
from fabfile.rollout.intent_text import intent_to_text
from fabfile.rollout.model import Intent, Launch, Phase
from fabfile.rollout.trial import Approval, Sample, Trial
from fabfile.tasks.clock import SystemClock
from tests.aws.account import session


@pytest.fixture
def table(endpoint: str, tmp_path: Path) -> Table:
    return Table(session(endpoint, tmp_path), f"fabscale-{uuid.uuid4().hex}")


@pytest.fixture(params=["memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    return MemoryLedger() if request.param == "memory" else DynamoLedger(request.getfixturevalue("table"))


_OLD_FIELDS = {"deploy_id", "target", "previous", "phase", "started", "desired", "owned", "suspended_before", "begun"}


def record(id_: str, started: float, **changes: object) -> Record:
    values = {"launch_config": "new", "previous_launch_config": "old", "started": started, **changes}
    return Record(id_, "deploy_serial", "opendebates", "testing", **values)  # type: ignore[arg-type]


def intent(id_: str) -> Intent:
    launch = Launch("token", "us-east-1a", 1, "lt-1:2", 5.5, 4, ("i-1",))
    return Intent(
        id_, "lt-1:2", "lt-1:1", launches=(launch,), suspended_before=frozenset({"AZRebalance"}), started=12.25
    )


def test_an_environment_that_was_never_deployed_has_no_history(ledger: Ledger) -> None:
    assert ledger.history("opendebates", "testing") == ()
    assert ledger.unfinished("opendebates", "testing") == ()


def test_a_deploy_that_did_not_end_is_found_with_its_last_intent(ledger: Ledger) -> None:
    ledger.begin(record("a", 100.0), (intent("a"),))
    later = replace(intent("a"), phase=Phase.ROLLING_BACK, failure="it broke")
    ledger.save(later)
    (found,) = ledger.unfinished("opendebates", "testing")
    assert found.record.id == "a"
    assert found.intents == (later,)


def _of_groups(id_: str) -> tuple[Intent, ...]:
    return tuple(replace(intent(id_), group=name, turn=turn) for turn, name in enumerate("abc", 1))


def test_a_deploy_of_several_groups_is_found_with_every_intent_in_its_order(ledger: Ledger) -> None:
    first, second, third = _of_groups("a")
    ledger.begin(record("a", 100.0), (second, first, third))
    ended = replace(second, phase=Phase.ENDED)
    ledger.save(ended)
    (found,) = ledger.unfinished("opendebates", "testing")
    assert found.intents == (ended, first, third)


def test_groups_that_went_meanwhile_are_not_found_again(ledger: Ledger) -> None:
    first, second, third = _of_groups("a")
    ledger.begin(record("a", 100.0), (first, second, third))
    ledger.begin(record("a", 100.0), (second,))
    (found,) = ledger.unfinished("opendebates", "testing")
    assert found.intents == (second,)


def test_an_intent_of_a_deploy_that_was_not_begun_is_not_stored(ledger: Ledger) -> None:
    with pytest.raises(KeyError):
        ledger.save(intent("never"))


def test_what_a_deploy_did_in_each_group_is_kept(ledger: Ledger) -> None:
    part = GroupPart("lt-1:2", "deployed", {"before": 2, "lowest": 2}, {"replaced": ("i-1",), "skipped": ()})
    ledger.begin(record("a", 100.0), _of_groups("a"))
    ended = record("a", 100.0, status=Status.DEPLOYED, groups={"a": part, "b": part})
    ledger.finish(ended)
    assert ledger.history("opendebates", "testing") == (ended,)
    assert ledger.unfinished("opendebates", "testing") == ()


def test_a_deploy_that_an_older_release_left_is_found(table: Table) -> None:
    """It kept one intent, without a group, in the record's own item."""
    plain = {name: value for name, value in asdict(record("a", 100.0)).items() if name not in {"groups", "undo"}}
    left = {name: value for name, value in json.loads(intent_to_text(intent("a"))).items() if name in _OLD_FIELDS}
    key = Key("deploys#opendebates-testing", f"{100.0:020.6f}#a")
    table.write(key, {"record": json.dumps(plain), "intent": json.dumps(left)})
    ledger = DynamoLedger(table)
    (found,) = ledger.unfinished("opendebates", "testing")
    assert (found.intents[0].target, found.intents[0].group, found.intents[0].turn) == ("lt-1:2", "", 1)
    ledger.begin(found.record, found.intents)
    assert ledger.unfinished("opendebates", "testing") == (found,)
    ledger.finish(replace(found.record, status=Status.DEPLOYED))
    assert ledger.unfinished("opendebates", "testing") == ()


def test_one_that_ended_is_in_the_history_and_nowhere_else(ledger: Ledger) -> None:
    ledger.begin(record("a", 100.0), (intent("a"),))
    ended = record(
        "a",
        100.0,
        status=Status.DEPLOYED,
        finished=131.5,
        seconds=31.5,
        probe={"total": 5123, "failed": 0},
        capacity={"before": 4, "lowest": 4},
        instances={"replaced": ("i-1", "i-2"), "skipped": ()},
        api_calls={"DescribeAutoScalingGroups": 7},
        turns=9,
    )
    ledger.finish(ended)
    assert ledger.unfinished("opendebates", "testing") == ()
    assert ledger.history("opendebates", "testing") == (ended,)


def test_history_is_newest_first_and_as_long_as_asked_for(ledger: Ledger) -> None:
    for number in range(12):
        ledger.begin(record(f"deploy-{number}", 100.0 + number), (intent(f"deploy-{number}"),))
    found = ledger.history("opendebates", "testing", limit=3)
    assert [each.id for each in found] == ["deploy-11", "deploy-10", "deploy-9"]


def test_of_two_who_speak_to_a_paused_deploy_the_first_one_counts(ledger: Ledger) -> None:
    assert ledger.approval("a") is None
    first, second = Approval(True, "kim@laptop", 12.5), Approval(False, "ann@ci", 13.5)
    assert ledger.approve("a", first) == first
    assert ledger.approve("a", second) == first
    assert ledger.approval("a") == first
    assert ledger.approval("b") is None


def test_what_was_said_to_a_deploy_goes_with_its_end(ledger: Ledger) -> None:
    ledger.begin(record("a", 100.0), (intent("a"),))
    ledger.begin(record("b", 101.0), (intent("b"),))
    for name in ("a", "b"):
        ledger.approve(name, Approval(True, "kim@laptop", 12.5))
    ledger.finish(record("a", 100.0))
    assert ledger.approval("a") is None
    assert ledger.approval("b") is not None


def test_an_intent_is_found_with_the_trial_of_its_canary(ledger: Ledger) -> None:
    trial = Trial(2, 60.0, True, ("i-1", "i-2"), 6, 100.0, 101.0, Sample(40, 1, 9.5), site_before=Sample(3))
    ledger.begin(record("a", 100.0), (replace(intent("a"), trial=trial),))
    (found,) = ledger.unfinished("opendebates", "testing")
    assert found.intents[0].trial == trial


def test_environments_do_not_see_each_others_deploys(ledger: Ledger) -> None:
    ledger.begin(record("a", 100.0), (intent("a"),))
    assert ledger.history("opendebates", "production") == ()
    assert ledger.unfinished("other", "testing") == ()


def test_the_intent_of_a_group_that_is_gone_leaves_the_table_with_the_deploy(table: Table) -> None:
    ledger = DynamoLedger(table)
    both = (intent("a"), replace(intent("a"), turn=2))
    ledger.begin(record("a", 100.0), both)
    DynamoLedger(table).begin(record("a", 100.0), both[1:])
    assert [each.intents for each in ledger.unfinished("opendebates", "testing")] == [both[1:]]
    ledger.finish(record("a", 100.0))
    assert list(table.newest("intents#opendebates-testing")) == []


def test_a_deployer_that_lost_the_lock_can_overwrite_nothing(table: Table) -> None:
    lock = LeaseLock(DynamoRegister(table, "opendebates-testing"), SystemClock(), "opendebates testing")
    stale = lock.acquire("ann@laptop", "deploy", "a", 0.0, lambda _: None)
    first = DynamoLedger(table, stale.token)
    first.begin(record("a", 100.0), (intent("a"),))
    stale.release()
    current = lock.acquire("bob@ci", "deploy", "b", 0.0, lambda _: None)
    with pytest.raises(StoppedHalfway):
        first.save(replace(intent("a"), failure="stale"))
    second = DynamoLedger(table, current.token)
    second.begin(record("b", 200.0), (intent("b"),))
    current.release()
    assert [each.intents[0].failure for each in second.unfinished("opendebates", "testing")] == ["", ""]
