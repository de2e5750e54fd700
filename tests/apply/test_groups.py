"""One deploy of several groups: one after the other, all of them or none, whoever dies when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.apply.events import GroupBegun
from fabfile.apply.ledger_contract import Record, Status, Unfinished
from fabfile.apply.simulated_group import Fate
from fabfile.apply.undertaking import begins_with, undertake
from fabfile.apply.world import Outcome
from fabfile.errors import StoppedHalfway, UsageError
from fabfile.rollout.intents import begin
from fabfile.rollout.model import Intent, Observed, Order, Phase
from fabfile.rollout.sequence import Standing, go_back, go_on, standing
from fabfile.rollout.steps import Step
from fabfile.rollout.trial import Trial
from fabfile.rollout.wish import Wish
from tests.rollout.fleets import NEW, OLD
from tests.rollout.series import Shop

CALLS = range(1, 82)  # of a deploy of two groups of two servers with a worker, which has 80; the last one lives


def repaired(intents: tuple[Intent, ...]) -> tuple[Intent, ...]:
    return go_back(intents, "fab repair")


def never_up(launch_config: str, number: int) -> Fate:
    return Fate(boot=None) if launch_config == NEW else Fate()


def only_new_comes_up(launch_config: str, number: int) -> Fate:
    return Fate(boot=None) if launch_config == OLD else Fate()


def turns(shop: Shop) -> list[tuple[str, bool]]:
    return [(event.group, event.back) for event in shop.events if isinstance(event, GroupBegun)]


def test_groups_are_rolled_out_in_their_order_and_migrations_run_once() -> None:
    shop = Shop(("b", "a"))
    report = shop.begin()
    assert report.status is Status.DEPLOYED, report.reason
    assert turns(shop) == [("b", False), ("a", False)]
    assert shop.all_run(NEW)
    assert len(shop.workers.migrations_started) == 1
    assert shop.unsettled_at_once <= 1
    assert min(shop.least_serving.values()) == 2


def test_one_record_tells_what_was_done_in_each_group() -> None:
    shop = Shop()
    shop.begin()
    (record,) = shop.ledger.history("shop", "staging")
    assert list(record.groups) == ["a", "b"]
    assert {part.status for part in record.groups.values()} == {"deployed"}
    assert [len(part.instances["replaced"]) for part in record.groups.values()] == [2, 2]
    assert record.groups["a"].capacity == {"before": 2, "lowest": 2}
    assert record.capacity == {"before": 4, "lowest": 4}
    assert len(record.instances["replaced"]) == 4
    assert shop.ledger.unfinished("shop", "staging") == ()


def test_when_a_group_goes_back_those_before_it_go_back_too_the_last_one_first() -> None:
    shop = Shop(("a", "b", "c"), fates={"c": never_up})
    report = shop.begin()
    assert report.status is Status.ROLLED_BACK
    assert turns(shop) == [("a", False), ("b", False), ("c", False), ("b", True), ("a", True)]
    assert shop.all_run(OLD)
    assert report.reason.startswith("c: the batch did not come into service in 120 s")
    assert "migrations of r2 have run and stay" in report.reason
    assert [part.status for part in report.groups.values()] == ["rolled back"] * 3
    assert [part.launch_config for part in report.groups.values()] == [OLD] * 3
    assert min(shop.least_serving.values()) == 2


def test_a_canary_is_tried_in_the_first_group_alone_and_goes_back_with_it() -> None:
    for fates, status in (({}, Status.DEPLOYED), ({"b": never_up}, Status.ROLLED_BACK)):
        shop = Shop(fates=fates)
        report = shop.begin(replace(shop.wanted(), trial=Trial(servers=1, bake_time=30.0)))
        assert report.status is status, report.reason
        assert [intent.trial.servers for intent in report.intents] == [1, 0]
        assert report.trial.passed
        assert shop.all_run(NEW if status is Status.DEPLOYED else OLD)


@pytest.mark.parametrize("order", list(Order))
def test_a_group_without_servers_is_not_where_a_canary_is_tried(order: Order) -> None:
    shop = Shop()
    groups = {name: cloud.now_is() for name, cloud in shop.clouds.items()}
    groups["a"] = replace(groups["a"], members=(), desired=0)
    wanted = replace(shop.wanted(), order=order, trial=Trial(servers=1))
    intents = undertake(wanted, groups, (), "deploy", 0.0).intents
    assert {intent.group: intent.trial.servers for intent in intents} == {"a": 0, "b": 1}


@pytest.mark.parametrize("order", [Order.FIRST, Order.NEVER])
def test_the_group_that_is_begun_with_is_known_before_anything_is_built(order: Order) -> None:
    shop = Shop()
    groups = {name: cloud.now_is() for name, cloud in shop.clouds.items()}
    for empty, first in (("", "a"), ("a", "b")):
        seen = {n: replace(each, members=(), desired=0) if n == empty else each for n, each in groups.items()}
        intents = undertake(replace(shop.wanted(), order=order), seen, (), "deploy", 0.0).intents
        assert intents[0].group == first
        assert begins_with(seen, ()) == first
    left = Unfinished(Record("d", "deploy_serial", "shop", "staging", NEW, OLD), (_half_way(shop, "b"),))
    intents = undertake(replace(shop.wanted(target="lt-1:9"), order=order), groups, (left,), "deploy", 0.0).intents
    assert intents[0].group == begins_with(groups, (left,)) == "b"


def test_a_group_that_was_left_half_way_migrates_last_where_the_others_have_no_servers() -> None:
    shop = Shop(order=Order.LAST)
    groups = {name: cloud.now_is() for name, cloud in shop.clouds.items()}
    groups["b"] = replace(groups["b"], members=(), desired=0)
    left = Unfinished(Record("d", "deploy_serial", "shop", "staging", NEW, OLD), (_half_way(shop, "a"),))
    intents = undertake(shop.wanted(target="lt-1:9"), groups, (left,), "deploy", 0.0).intents
    assert {intent.group: intent.order for intent in intents} == {"a": Order.LAST, "b": Order.NEVER}


def _half_way(shop: Shop, group: str) -> Intent:
    seen = Observed(shop.clouds[group].now_is())
    return replace(begin(seen, deploy_id="d", target=NEW, started=0.0, release="r2"), begun=True)


def test_a_group_that_would_be_refused_is_refused_before_the_first_one_is_touched() -> None:
    shop = Shop(("a", "b", "c"), suspended={"c": frozenset({"Launch"})})
    report = shop.begin()
    assert report.status is Status.REFUSED
    assert report.reason == "c: c has Launch suspended"
    assert not any(cloud.applied for cloud in shop.clouds.values())


def test_a_group_that_cannot_go_back_leaves_the_deploy_half_way_and_repair_tries_again() -> None:
    shop = Shop(fates={"a": only_new_comes_up, "b": never_up})
    report = shop.begin()
    assert report.status is Status.HALF_WAY
    assert "a: going back failed: the batch did not come into service" in report.reason
    assert [part.status for part in report.groups.values()] == ["half-way", "rolled back"]
    (left,) = shop.ledger.unfinished("shop", "staging")
    assert [standing(intent) for intent in go_on(left.intents)] == [Standing.UNDER_WAY, Standing.ROLLED_BACK]
    assert [intent.phase for intent in repaired(left.intents)] == [Phase.ROLLING_BACK, Phase.ENDED]


@pytest.mark.parametrize(("order", "step"), [(Order.FIRST, 1), (Order.LAST, 4), (Order.NEVER, 4)])
@pytest.mark.parametrize("take_up", [go_on, repaired], ids=["resume", "repair"])
def test_a_deployer_that_died_anywhere_is_followed_to_one_end_for_all_groups(
    order: Order, step: int, take_up: object
) -> None:
    for dies_at in CALLS[::step]:
        shop = Shop(order=order, dies_at=dies_at, take_up=take_up)  # type: ignore[arg-type]
        report = shop.begin()
        assert report.status in {Status.DEPLOYED, Status.ROLLED_BACK, Status.REFUSED}, (dies_at, report.reason)
        assert shop.all_run(NEW if report.status is Status.DEPLOYED else OLD), (dies_at, shop.runs())
        assert len(shop.workers.migrations_started) <= 1, dies_at
        assert shop.unsettled_at_once <= 1, dies_at
        assert min(shop.least_serving.values()) == 2, dies_at
        assert shop.ledger.unfinished("shop", "staging") == ()
        if take_up is go_on:
            assert report.status is Status.DEPLOYED, (dies_at, report.reason)


@pytest.mark.parametrize("take_up", [go_on, repaired], ids=["resume", "repair"])
def test_a_deployer_that_died_anywhere_while_groups_go_back_is_followed_until_all_are_back(take_up: object) -> None:
    for dies_at in range(48, 126, 3):  # from the second group's turn to the end
        shop = Shop(fates={"b": never_up}, dies_at=dies_at, take_up=take_up)  # type: ignore[arg-type]
        report = shop.begin()
        assert report.status in {Status.ROLLED_BACK, Status.REFUSED}, (dies_at, report.reason)
        assert shop.all_run(OLD), (dies_at, shop.runs())
        assert shop.unsettled_at_once <= 1, dies_at
        assert min(shop.least_serving.values()) == 2, dies_at


def test_the_same_command_resumes_and_rolls_nothing_out_twice() -> None:
    for dies_at in CALLS[::3]:
        shop = Shop(dies_at=dies_at)
        shop.try_once()
        report = shop.begin(deploy_id="again")
        assert report.status is Status.DEPLOYED
        assert shop.all_run(NEW)
        # One launch more where it died between the switch and the launch: the launch is repeated before all else.
        assert sum(cloud.simulated.launched for cloud in shop.clouds.values()) <= 5, dies_at
        assert len(shop.workers.migrations_started) == 1


def test_another_release_supersedes_a_deploy_that_died_anywhere_and_goes_back_as_far() -> None:
    newer = "lt-1:9"
    for failing in (False, True):
        for dies_at in CALLS[::5]:
            fates = {"b": lambda config, _: Fate(boot=None) if config == newer else Fate()} if failing else {}
            shop = Shop(dies_at=dies_at, fates=fates)
            shop.try_once()
            finished = not shop.ledger.unfinished("shop", "staging")
            report = shop.begin(shop.wanted(target=newer, release="r3"), deploy_id="newer")
            assert report.status is (Status.ROLLED_BACK if failing else Status.DEPLOYED), (dies_at, report.reason)
            assert shop.all_run(newer if not failing else NEW if finished else OLD), (dies_at, shop.runs())
            assert shop.unsettled_at_once <= 2, dies_at


def _died_between_groups() -> Shop:
    """Return a shop whose deployer died when the first group had the release and the second was untouched."""
    for dies_at in CALLS:
        shop = Shop(dies_at=dies_at)
        shop.try_once()
        (left,) = shop.ledger.unfinished("shop", "staging")
        if [standing(intent) for intent in left.intents] == [Standing.DEPLOYED, Standing.UNTOUCHED]:
            return shop
    raise AssertionError("it never died there")


def test_a_deploy_of_other_groups_is_refused_while_one_is_half_way() -> None:
    shop = _died_between_groups()
    with pytest.raises(StoppedHalfway) as refused:
        shop.begin(shop.wanted("b"), deploy_id="other")
    assert str(refused.value) == (
        "cannot run deploy_serial on b alone: deploy left a half-way. "
        "Run fab resume:shop,staging or fab repair:shop,staging first."
    )


def test_a_group_that_came_into_the_config_meanwhile_is_part_of_the_deploy_that_goes_on() -> None:
    shop = _died_between_groups()
    shop.names = ("a", "b", "c")
    shop.clouds["c"] = shop._cloud("c")
    shop.least_serving["c"] = 2
    report = shop.begin(deploy_id="again")
    assert report.status is Status.DEPLOYED
    assert shop.all_run(NEW)
    assert list(report.groups) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("order", "names", "carrier"),
    [(Order.FIRST, ["b", "a"], "b"), (Order.LAST, ["a", "b"], "b"), (Order.NEVER, ["b", "a"], None)],
)
def test_a_group_without_servers_is_not_the_one_to_migrate(order: Order, names: list[str], carrier: str | None) -> None:
    shop = Shop(order=order)
    full = shop.clouds["b"].now_is()
    empty = replace(shop.clouds["a"].now_is(), members=(), desired=0)
    intents = undertake(shop.wanted(), {"a": empty, "b": full}, (), "deploy", 0.0).intents
    assert [intent.group for intent in intents] == names
    assert [intent.group for intent in intents if intent.order is not Order.NEVER] == ([carrier] if carrier else [])


def test_repair_between_groups_takes_the_first_one_back() -> None:
    shop = _died_between_groups()
    (left,) = shop.ledger.unfinished("shop", "staging")
    assert [standing(intent) for intent in repaired(left.intents)] == [Standing.DEPLOYED, Standing.UNTOUCHED]
    shop = Shop(dies_at=shop.count.dies_at, take_up=repaired)
    report = shop.begin()
    assert (report.status, report.reason.split(";")[0]) == (Status.ROLLED_BACK, "b: fab repair")
    assert shop.all_run(OLD)


@pytest.mark.parametrize("fates", [{}, {"b": never_up}], ids=["deployed", "went back"])
def test_sizes_that_were_set_while_the_deploy_was_elsewhere_are_not_set_again_when_it_comes(fates: object) -> None:
    """`fab scale` has set 3 servers there and then; what has scaled the group since is not undone."""
    shop = Shop(fates=fates)  # type: ignore[arg-type]
    group = shop.clouds["b"].simulated
    change = shop.clouds["a"].apply

    def scaled(step: Step) -> Outcome:
        if not shop.wishes:
            shop.wishes["b"] = Wish(1, 3)
            group.desired = 5
        return change(step)

    shop.clouds["a"].apply = scaled  # type: ignore[method-assign]
    shop.begin()
    assert group.desired == 5


def test_a_group_that_is_deleted_in_mid_deploy_takes_the_others_back() -> None:
    shop = Shop()
    cloud = shop.clouds["b"]
    look = cloud.observe

    def gone(intent: Intent) -> Observed:
        if shop.clouds["a"].applied:
            raise UsageError("describe the autoscaling group b", "there is none")
        return look(intent)

    cloud.observe = gone  # type: ignore[method-assign]
    report = shop.begin()
    assert (report.status, report.reason.split(";")[0]) == (Status.ROLLED_BACK, "b: there is none")
    assert {name: part.status for name, part in report.groups.items()} == {"a": "rolled back", "b": "untouched"}
