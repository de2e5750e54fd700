"""Deploys of several groups to test with: simulated clouds that share a clock, workers and a deployer that dies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from fabfile.apply.events import Event
from fabfile.apply.forecast import FreeLease
from fabfile.apply.loop import Pace, Setting
from fabfile.apply.memory_ledger import MemoryLedger
from fabfile.apply.report import Report
from fabfile.apply.series import Series
from fabfile.apply.simulated import SimulatedCloud
from fabfile.apply.simulated_group import Fates, healthy
from fabfile.apply.simulated_workers import SimulatedWorkers
from fabfile.apply.undertaking import Wanted, undertake
from fabfile.apply.virtual_clock import VirtualClock
from fabfile.apply.world import Outcome
from fabfile.rollout.model import Group, Intent, Observed, Order, Policy
from fabfile.rollout.sequence import go_on
from fabfile.rollout.situation import serves
from fabfile.rollout.steps import Step
from fabfile.rollout.wish import Wish

from .fleets import ALIVE, NEW, NOW, OLD, DeployerDied, even_fleet

TakeUp = Callable[[tuple[Intent, ...]], tuple[Intent, ...]]


@dataclass
class Count:
    """Calls of the deployer to any of the clouds, and when it dies."""

    calls: int = 0
    dies_at: int = 0


class GroupCloud(SimulatedCloud):
    """One group's cloud; `look` is told of every change in any of them."""

    def __init__(self, *args: object, count: Count, look: Callable[[], None], **settings: object) -> None:
        super().__init__(*args, **settings)  # type: ignore[arg-type]
        self._count = count
        self._look = look

    def observe(self, intent: Intent) -> Observed:
        self._call()
        return super().observe(intent)

    def apply(self, step: Step) -> Outcome:
        self._call()
        outcome = super().apply(step)
        self._look()
        return outcome

    def _call(self) -> None:
        self._count.calls += 1
        if self._count.calls == self._count.dies_at:
            raise DeployerDied


@dataclass
class Shop:
    """A deploy of groups of two servers each, which ran `OLD` before it."""

    names: tuple[str, ...] = ("a", "b")
    fates: Mapping[str, Fates] = field(default_factory=dict)
    order: Order = Order.FIRST
    dies_at: int = 0
    take_up: TakeUp = go_on  # how the next deployer goes on: `fab resume`, or `fab repair`
    suspended: Mapping[str, frozenset[str]] = field(default_factory=dict)
    wishes: dict[str, Wish] = field(default_factory=dict)  # the newest sizes that an operator asked for, by group

    def __post_init__(self) -> None:
        self.clock = VirtualClock(NOW)
        self.ledger = MemoryLedger()
        self.workers = SimulatedWorkers(("w-1",), "r1")
        self.count = Count(dies_at=self.dies_at)
        self.events: list[Event] = []
        self.unsettled_at_once = 0
        self.least_serving = dict.fromkeys(self.names, 2)
        self.clouds = {name: self._cloud(name) for name in self.names}

    def _cloud(self, name: str) -> GroupCloud:
        group = even_fleet(2, suspended=self.suspended.get(name, frozenset())).group
        return GroupCloud(
            self.clock,
            replace(group, name=name),
            fates=self.fates.get(name, healthy),
            workers=self.workers,
            count=self.count,
            look=self._look,
        )

    def _look(self) -> None:
        groups = {name: cloud.now_is() for name, cloud in self.clouds.items()}
        self.unsettled_at_once = max(self.unsettled_at_once, sum(map(unsettled, groups.values())))
        for name, group in groups.items():
            serving = sum(serves(member, group) for member in group.members)
            self.least_serving[name] = min(self.least_serving[name], serving)

    def wanted(self, *names: str, target: str = NEW, release: str = "r2") -> Wanted:
        targets = dict.fromkeys(names or self.names, target)
        return Wanted("deploy_serial", "shop", "staging", targets, target, "c", release, "r1", self.order)

    def begin(self, wanted: Wanted | None = None, deploy_id: str = "deploy") -> Report:
        """Deploy; when the deployer dies the next one takes up what it left."""
        unfinished = self.ledger.unfinished("shop", "staging")
        groups = {name: cloud.now_is() for name, cloud in self.clouds.items()}
        undertaking = undertake(wanted or self.wanted(), groups, unfinished, deploy_id, self.clock.now())
        record, intents = undertaking.record, undertaking.intents
        while True:
            try:
                return Series(self._setting, record, intents).run()
            except DeployerDied:
                self.clock.sleep(60.0)
                (left,) = self.ledger.unfinished("shop", "staging")
                record, intents = left.record, self.take_up(left.intents)

    def try_once(self, wanted: Wanted | None = None) -> None:
        """Deploy, and leave what the deployer left when it died."""
        self.take_up = _nobody
        try:
            self.begin(wanted)
        except _Left:
            self.clock.sleep(60.0)
        self.take_up = go_on

    def _setting(self, intent: Intent) -> Setting:
        pace = Pace(poll=5.0, spread=0.0, patience=300.0)
        cloud, policy = self.clouds[intent.group], Policy(slot_deadline=120.0, read_lag=0.0)
        return Setting(
            cloud,
            self.ledger,
            FreeLease(),
            self.clock,
            policy,
            pace,
            tell=self.events.append,
            wish=lambda: self.wishes.get(intent.group),
        )

    def runs(self) -> dict[str, frozenset[str]]:
        """Return what each group launches and its servers run, once everything has settled."""
        self.clock.sleep(600.0)
        groups = {name: cloud.now_is() for name, cloud in self.clouds.items()}
        return {name: configs(group) for name, group in groups.items()}

    def all_run(self, launch_config: str) -> bool:
        return set(self.runs().values()) == {frozenset({launch_config})}


class _Left(Exception):
    """A deployer died and nobody went on."""


def _nobody(intents: tuple[Intent, ...]) -> tuple[Intent, ...]:
    raise _Left


def configs(group: Group) -> frozenset[str]:
    alive = {member.launch_config for member in group.members if member.lifecycle in ALIVE}
    return frozenset({group.launch_config, *alive})


def unsettled(group: Group) -> bool:
    """Whether a rollout is in the middle of a group: two launch configs, surge, or settings that it changed."""
    alive = sum(member.lifecycle in ALIVE for member in group.members)
    return len(configs(group)) > 1 or alive != 2 or "AZRebalance" in group.suspended


def back_to_before(runs: Mapping[str, frozenset[str]]) -> bool:
    return set(runs.values()) == {frozenset({OLD})}
