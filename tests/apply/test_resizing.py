"""An operator's wish on its way: to the deploy that runs, past one that died, or nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.apply.ledger_contract import Record
from fabfile.apply.memory_ledger import MemoryLedger
from fabfile.apply.resizing import (
    Asking,
    Left,
    Limits,
    NotItsTurn,
    TakenUp,
    checked,
    intended,
    left_of,
    limits,
    set_sizes,
)
from fabfile.apply.wishes import MemoryWishes
from fabfile.errors import RolloutFailed, Unreachable, UsageError
from fabfile.rollout.intents import resume
from fabfile.rollout.model import Intent
from fabfile.rollout.wish import Taken, Wish
from tests.rollout.fleets import NEW, OLD, DeployerDied, Scene, even_fleet

RECORD = Record("deploy", "deploy_serial", "shop", "staging", NEW, OLD)


def asked(wishes: MemoryWishes, desired: int = 6) -> Asking:
    asking = Asking(wishes, Wish(0, desired, by="ann@laptop"))
    asking.ask()
    return asking


def running(**changes: object) -> Left:
    intent = replace(Intent("deploy", NEW, OLD, group="web", desired=4, owned=1, begun=True), **changes)  # type: ignore[arg-type]
    return Left(RECORD, (intent,), intent)


def test_a_deploy_that_is_at_another_group_is_not_waited_for() -> None:
    """Its turn may be half an hour away, and nothing of the deploy's is in its sizes until then."""
    here = Intent("deploy", NEW, OLD, group="web", turn=2, desired=4)
    there = Intent("deploy", NEW, OLD, group="more", turn=1, desired=4, begun=True)
    with pytest.raises(NotItsTurn):
        asked(MemoryWishes()).heard(Left(RECORD, (there, here), here))


def test_a_deploy_that_has_not_looked_yet_is_waited_for() -> None:
    asked(MemoryWishes()).heard(running())


def test_a_deploy_that_answered_ends_the_wait() -> None:
    asking = asked(MemoryWishes())
    taken = Taken(asking.wish, granted=True)
    with pytest.raises(TakenUp) as found:
        asking.heard(running(wishes_seen=1, taken=taken))
    assert (found.value.deploy, found.value.taken) == ("deploy", taken)


def test_a_deploy_that_began_after_the_wish_is_asked_again() -> None:
    """It takes wishes of before its time for granted."""
    wishes = MemoryWishes()
    asking = asked(wishes)
    asking.heard(running(wishes_seen=1))
    assert (asking.wish.number, wishes.latest()) == (2, asking.wish)


def test_somebody_elses_newer_wish_ends_ours_with_a_plain_message() -> None:
    wishes = MemoryWishes()
    asking = asked(wishes)
    wishes.put(Wish(2, 3, by="ben@desk"))
    with pytest.raises(RolloutFailed) as raised:
        asking.heard(running(wishes_seen=2, taken=Taken(Wish(2, 3))))
    assert str(raised.value) == (
        "cannot scale to 6: ben@desk asked for 3 servers since. Look at `fab describe`; the newest sizes count."
    )


def test_a_wish_that_was_given_up_is_granted_by_nobody() -> None:
    wishes = MemoryWishes()
    asked(wishes).withdraw()
    latest = wishes.latest()
    assert latest is not None
    assert latest.withdrawn


def test_a_wish_that_was_given_up_leaves_a_newer_one_alone() -> None:
    wishes = MemoryWishes()
    asking = asked(wishes)
    newer = Wish(2, 3, by="ben@desk")
    wishes.put(newer)
    asking.withdraw()
    assert wishes.latest() == newer


def test_sizes_are_shown_without_the_surge_and_the_maximum_that_was_raised_for_it() -> None:
    intent = running(maximum_before=4, maximum_raised=5).intent
    group = replace(even_fleet(4, maximum=5).group, desired=5)
    assert limits(group, intent) == Limits(0, 4, 4)


def test_sizes_that_do_not_fit_are_refused_before_anything_is_asked() -> None:
    group = even_fleet(4, maximum=8).group
    with pytest.raises(UsageError) as raised:
        checked(Wish(1, 9), group, intended(group, None))
    assert str(raised.value) == (
        "cannot scale web to 9: 9 servers are above the maximum 8. "
        "Give both: fab scale:DEPLOYMENT,ENVIRONMENT,DESIRED,MINIMUM,MAXIMUM."
    )


def test_without_a_deploy_the_sizes_are_set_as_they_are() -> None:
    scene = Scene(even_fleet(4))
    set_sizes(scene.cloud, scene.cloud.now_is(), Wish(1, 6, 2, 9), 0.0, left=None, ledger=scene.ledger)
    group = scene.settle()
    assert (group.minimum, group.desired, group.maximum) == (2, 6, 9)
    assert scene.ledger.unfinished("shop", "staging") == ()


def test_what_aws_refuses_is_said_in_its_words() -> None:
    scene = Scene(even_fleet(4))
    with pytest.raises(Unreachable) as raised:
        set_sizes(scene.cloud, scene.cloud.now_is(), Wish(1, 1, 2), 0.0, left=None, ledger=MemoryLedger())
    assert str(raised.value) == (
        "cannot set the sizes of web: desired capacity 1 is not between 2 and 20. Nothing was changed."
    )


@pytest.mark.parametrize("died_at", range(2, 30))
def test_a_deploy_that_died_is_resumed_to_the_sizes_that_were_set_meanwhile(died_at: int) -> None:
    """Wherever it died: its surge is on top of them until it has ended, and its maximum is the operator's."""
    scene = Scene(even_fleet(4, maximum=4), dies_at=frozenset({died_at}))
    try:
        scene.run_once(scene.intent)
    except DeployerDied:
        left = left_of("web", scene.ledger.unfinished("shop", "staging"))
        scene.clock.sleep(60.0)
        group = scene.cloud.now_is()
        set_sizes(scene.cloud, group, Wish(1, 6, 1, 6), scene.clock.now(), left=left, ledger=scene.ledger)
        left = left_of("web", scene.ledger.unfinished("shop", "staging"))
        assert left is not None
        scene.run_once(resume(left.intent))
        group = scene.settle()
        assert (group.minimum, group.desired, group.maximum) == (1, 6, 6)
        assert {each.launch_config for each in group.members} == {NEW}
        assert len(group.members) == 6
