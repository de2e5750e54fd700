"""Every deploy lock keeps the contract's promises, whatever its register is."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.aws.dynamodb import Table
from fabfile.errors import LockHeld, StoppedHalfway, Unreachable
from fabfile.locks.contract import Holder
from fabfile.locks.dynamodb import DynamoRegister
from fabfile.locks.file import FileRegister
from fabfile.locks.lease import HeldLease, LeaseLock, Record, Register
from fabfile.locks.memory import MemoryRegister
from fabfile.tasks.clock import SystemClock
from tests.aws.account import session

LONG = 60.0


class HandClock:
    """A clock that goes when told; a sleeper's time passes at once."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time + 1e9

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture(params=["memory", "file", "dynamodb"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Register:
    if request.param == "memory":
        return MemoryRegister()
    if request.param == "file":
        return FileRegister(tmp_path / "locks" / "production.json")
    endpoint = request.getfixturevalue("endpoint")
    return DynamoRegister(Table(session(endpoint, tmp_path), "fabscale"), uuid.uuid4().hex)


def ignore(_: Holder) -> None:
    """Wait without a word."""


def take(lock: LeaseLock, who: str = "ann@laptop", wait: float = 0.0) -> HeldLease:
    return lock.acquire(who, "fab deploy_serial", f"deploy-{who}", wait, ignore)


def test_a_second_deploy_is_refused_and_told_who_holds_the_lock_and_why(register: Register) -> None:
    clock = HandClock()
    held = take(LeaseLock(register, clock, "opendebates-production", LONG))
    with pytest.raises(LockHeld) as refusal:
        take(LeaseLock(register, clock, "opendebates-production", LONG), "bob@ci")
    assert refusal.value.exit_code == 3
    for word in ("opendebates-production", "ann@laptop", "fab deploy_serial"):
        assert word in str(refusal.value)
    held.release()


def test_nobody_holds_a_lock_before_the_first_and_after_the_last(register: Register) -> None:
    lock = LeaseLock(register, HandClock(), "x", LONG)
    assert lock.holder() is None
    held = take(lock)
    holder = lock.holder()
    assert holder is not None
    assert (holder.owner, holder.deploy_id) == ("ann@laptop", "deploy-ann@laptop")
    held.release()
    assert lock.holder() is None


def test_the_fencing_token_grows_with_every_holder(register: Register) -> None:
    lock = LeaseLock(register, HandClock(), "x", LONG)
    tokens = []
    for _ in range(3):
        held = take(lock)
        tokens.append(held.token)
        held.release()
    assert tokens == sorted(set(tokens))


def test_a_dead_holder_is_superseded_after_its_lease_by_the_waiters_clock_alone(register: Register) -> None:
    clock = HandClock()
    dead = Record(7, "v1", True, "dead@host", "fab deploy_serial", since=9e12, deploy_id="d", lease=30.0)
    assert register.swap(None, dead)
    told: list[Holder] = []
    began = clock.monotonic()
    held = LeaseLock(register, clock, "x", LONG).acquire("ann", "r", "e", 100.0, told.append)
    assert 30.0 <= clock.monotonic() - began <= 33.0
    assert held.token == 8
    assert {holder.owner for holder in told} == {"dead@host"}
    held.release()


def test_a_holder_whose_record_changes_is_not_superseded(register: Register) -> None:
    clock = HandClock()
    record = Record(7, "v1", True, "ann", "r", lease=30.0)
    assert register.swap(None, record)

    def beat(_: Holder) -> None:
        nonlocal record
        beaten = replace(record, version=uuid.uuid4().hex)
        assert register.swap(record, beaten)
        record = beaten

    with pytest.raises(LockHeld):
        LeaseLock(register, clock, "x", LONG).acquire("bob", "r", "e", 120.0, beat)


def test_a_live_holder_is_seen_beating_until_it_lets_go_and_a_dead_one_for_a_lease(register: Register) -> None:
    holder = take(LeaseLock(register, SystemClock(), "shop", LONG))
    watcher = HandClock()
    for looks, seen in enumerate(LeaseLock(register, watcher, "shop", LONG).heartbeats(), 1):
        assert seen.owner == "ann@laptop"
        current = register.read()
        if looks < 200 and current is not None:  # what a living holder does
            assert register.swap(current, replace(current, version=f"beat {looks}"))
    assert 1000.0 + 200 + LONG - 2 <= watcher.time <= 1000.0 + 200 + LONG + 2
    del holder
    free = MemoryRegister()
    assert list(LeaseLock(free, watcher, "shop", LONG).heartbeats()) == []


def test_a_holder_that_slept_through_its_lease_stops_before_anybody_can_be_next(register: Register) -> None:
    clock = HandClock()
    held = take(LeaseLock(register, clock, "x", LONG))
    clock.time += LONG * 0.7
    held.check()
    clock.time += LONG * 0.1
    with pytest.raises(StoppedHalfway, match="no heartbeat"):
        held.check()
    held.release()


def test_a_lapsed_lease_stays_lapsed(register: Register) -> None:
    clock = HandClock()
    held = take(LeaseLock(register, clock, "x", LONG))
    clock.time += LONG
    with pytest.raises(StoppedHalfway):
        held.check()
    clock.time -= LONG
    with pytest.raises(StoppedHalfway):
        held.check()
    held.release()


def test_heartbeats_keep_a_lease_for_longer_than_its_length(register: Register) -> None:
    lock = LeaseLock(register, SystemClock(), "x", 1.2)
    held = take(lock)
    with pytest.raises(LockHeld):
        take(LeaseLock(register, SystemClock(), "x", 1.2), "bob", wait=3.0)
    held.check()
    held.release()


def test_a_release_after_a_takeover_leaves_the_next_holder_alone(register: Register) -> None:
    clock = HandClock()
    late = take(LeaseLock(register, clock, "x", LONG))
    seen = register.read()
    assert seen is not None
    assert register.swap(seen, replace(seen, token=99, version="next", owner="next@host"))
    late.release()
    now = register.read()
    assert now is not None
    assert (now.token, now.held) == (99, True)


def test_of_many_that_start_together_one_at_a_time_holds_it(register: Register) -> None:
    inside = 0
    most = 0
    guard = threading.Lock()
    done: list[int] = []

    def deploy(number: int) -> None:
        nonlocal inside, most
        held = take(LeaseLock(register, SystemClock(), "x", 5.0), f"deployer-{number}", wait=LONG)
        with guard:
            inside += 1
            most = max(most, inside)
        held.check()
        with guard:
            inside -= 1
        held.release()
        done.append(held.token)

    threads = [threading.Thread(target=deploy, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert most == 1
    assert sorted(done) == [1, 2, 3, 4, 5, 6]


class LostReplies(MemoryRegister):
    """A register whose writes arrive, while every reply to a heartbeat is lost."""

    def __init__(self, repeat: Callable[[], bool]) -> None:
        super().__init__()
        self._repeat = repeat

    def swap(self, expected: Record | None, new: Record) -> bool:
        done = super().swap(expected, new)
        if done and expected is not None and self._repeat():
            raise Unreachable("write", "the reply was lost")
        return done


def test_a_lost_reply_does_not_lose_the_lease() -> None:
    lost = iter([True, False])
    register = LostReplies(lambda: next(lost, False))
    held = take(LeaseLock(register, SystemClock(), "x", 2.0))
    deadline = SystemClock().monotonic() + LONG
    first = register.read()
    while register.read() == first and SystemClock().monotonic() < deadline:
        SystemClock().sleep(0.01)
    written = register.read()
    while register.read() == written and SystemClock().monotonic() < deadline:
        SystemClock().sleep(0.01)
    held.check()
    held.release()
