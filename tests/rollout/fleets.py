"""Fleets, deploys and disturbances to test with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from fabfile.apply.events import Event
from fabfile.apply.forecast import FreeLease
from fabfile.apply.ledger_contract import Record
from fabfile.apply.loop import Pace, Setting
from fabfile.apply.memory_ledger import MemoryLedger
from fabfile.apply.report import Report
from fabfile.apply.series import run
from fabfile.apply.simulated import SimulatedCloud, Weather
from fabfile.apply.simulated_group import Fates, SimulatedGroup, healthy
from fabfile.apply.simulated_workers import SimulatedWorkers
from fabfile.apply.virtual_clock import VirtualClock
from fabfile.apply.world import Outcome
from fabfile.rollout.intents import begin, resume
from fabfile.rollout.model import Group, Health, Intent, Lifecycle, Member, Observed, Order, Policy, TargetState
from fabfile.rollout.serial import plan
from fabfile.rollout.situation import serves
from fabfile.rollout.steps import Step, Wait
from fabfile.rollout.trial import NO_TRIAL, Trial
from fabfile.rollout.wish import Wish

OLD, NEW = "lt-1:7", "lt-1:8"
ALIVE = {Lifecycle.PENDING, Lifecycle.IN_SERVICE}
NOW = 1_000_000.0


def member(
    name: str,
    zone: str = "a",
    launch_config: str = OLD,
    *,
    health: Health = Health.HEALTHY,
    lifecycle: Lifecycle = Lifecycle.IN_SERVICE,
    age: float = 1000.0,
) -> Member:
    """Return a server that is in service and healthy unless told otherwise."""
    targets = (TargetState("web", health),)
    return Member(name, zone, launch_config, lifecycle, launched_at=NOW - age, targets=targets)


def fleet(
    *members: Member,
    desired: int | None = None,
    minimum: int = 0,
    maximum: int = 20,
    launch_config: str = OLD,
    suspended: frozenset[str] = frozenset(),
    zones: tuple[str, ...] = ("a", "b"),
) -> Observed:
    """Return a group of these servers, whose desired capacity is what exists unless told otherwise."""
    alive = sum(each.lifecycle in ALIVE for each in members)
    return Observed(
        Group(
            "web",
            minimum,
            maximum,
            alive if desired is None else desired,
            launch_config,
            zones,
            suspended,
            members,
            ("web",),
        )
    )


def even_fleet(count: int, maximum: int = 20, suspended: frozenset[str] = frozenset()) -> Observed:
    """Return a fleet of old servers spread over two zones."""
    servers = tuple(member(f"i-old{n:04d}", "ab"[n % 2], age=2000.0 - n) for n in range(count))
    return fleet(*servers, maximum=maximum, suspended=suspended)


def kinds(steps: tuple[Step, ...]) -> list[str]:
    """Name the steps, for comparing."""
    return [type(step).__name__ for step in steps]


class DeployerDied(Exception):
    """The process ended between two calls."""


@dataclass
class Watch:
    """What was true at any time of a deploy."""

    least_serving: int = 10**9
    most_above: int = 0
    worst_skew: int = 0
    reasons: list[str] = field(default_factory=list)


class WatchedCloud(SimulatedCloud):
    """A simulated cloud that keeps what a user would complain about, and may lose its deployer."""

    def __init__(self, *args: object, dies_at: frozenset[int] = frozenset(), **settings: object) -> None:
        super().__init__(*args, **settings)  # type: ignore[arg-type]
        self.watch = Watch()
        self.dies_at = set(dies_at)

    def observe(self, intent: Intent) -> Observed:
        self._die()
        self._look()
        return super().observe(intent)

    def apply(self, step: Step) -> Outcome:
        self._die()
        outcome = super().apply(step)
        self.watch.reasons.append(step.reason)
        self._look()
        return outcome

    def _die(self) -> None:
        if self.calls + 1 in self.dies_at:
            self.dies_at.remove(self.calls + 1)
            raise DeployerDied

    def _look(self) -> None:
        group = self.now_is()
        alive = [each for each in group.members if each.lifecycle in ALIVE]
        zones = Counter(dict.fromkeys(group.zones, 0)) + Counter()
        zones.update(each.zone for each in alive)
        counts = [zones[zone] for zone in group.zones]
        self.watch.least_serving = min(self.watch.least_serving, sum(serves(m, group) for m in alive))
        self.watch.most_above = max(self.watch.most_above, len(alive))
        self.watch.worst_skew = max(self.watch.worst_skew, max(counts) - min(counts))


Disturbance = tuple[float, Callable[[SimulatedGroup], None]]


@dataclass
class Scene:
    """One deploy on one simulated cloud."""

    observed: Observed
    policy: Policy = field(default_factory=Policy)
    fates: Fates = healthy
    disturbances: tuple[Disturbance, ...] = ()
    weather: Weather = field(default_factory=Weather)
    workers: SimulatedWorkers | None = None
    release: str = ""
    order: Order = Order.FIRST
    dies_at: frozenset[int] = frozenset()
    target: str = NEW
    poll: float = 5.0
    capacity: int | None = None
    trial: Trial = NO_TRIAL
    failing: Mapping[str, float] = field(default_factory=dict)  # share of failed requests, by launch config
    wishes: tuple[tuple[float, Wish], ...] = ()  # seconds after the start, and what an operator asks for then

    def __post_init__(self) -> None:
        self.clock = VirtualClock(NOW)
        self.ledger = MemoryLedger()
        self.events: list[Event] = []
        self.deaths = 0
        self.cloud = WatchedCloud(
            self.clock,
            self.observed.group,
            fates=self.fates,
            workers=self.workers,
            weather=self.weather,
            dies_at=self.dies_at,
            capacity=self.capacity,
            failing=self.failing,
        )
        group = self.cloud.simulated
        for after, change in self.disturbances:
            group.at(NOW + after, lambda change=change: change(group))  # type: ignore[misc]
        self.intent = begin(
            self.observed,
            deploy_id="deploy",
            target=self.target,
            started=NOW,
            release=self.release,
            previous_release="r1" if self.release else "",
            order=self.order,
            trial=self.trial,
        )

    def run(self) -> Report:
        """Carry the deploy out; when the deployer dies another one resumes."""
        intent = self.intent
        while True:
            try:
                return self.run_once(intent)
            except DeployerDied:
                self.deaths += 1
                self.clock.sleep(60.0)
                (unfinished,) = self.ledger.unfinished("shop", "staging") or (None,)
                intent = resume(unfinished.intents[0]) if unfinished else self.intent

    def run_once(self, intent: Intent) -> Report:
        """Carry the deploy out; raises `DeployerDied` when the deployer does."""
        record = Record("deploy", "deploy_serial", "shop", "staging", self.target, OLD, started=NOW)
        return run(self.setting(), record, intent)

    def setting(self) -> Setting:
        """Return what the deploy works with."""
        pace = Pace(poll=self.poll, spread=0.0, patience=300.0)
        return Setting(
            self.cloud,
            self.ledger,
            FreeLease(),
            self.clock,
            self.policy,
            pace,
            plan,
            self.events.append,
            wish=self.wish,
        )

    def wish(self) -> Wish | None:
        """Return the newest wish that was made until now."""
        made = [wish for after, wish in self.wishes if NOW + after <= self.clock.now()]
        return made[-1] if made else None

    def settle(self, seconds: float = 600.0) -> Group:
        """Let time pass after the deploy, and return the group."""
        self.clock.sleep(seconds)
        return self.cloud.now_is()


def first_steps(observed: Observed, policy: Policy | None = None, **changes: object) -> tuple[Step, ...]:
    """Return what is planned at the first look."""
    intent = begin(observed, deploy_id="deploy", target=NEW, started=NOW)
    return plan(observed, replace(intent, **changes), policy or Policy(), NOW).steps  # type: ignore[arg-type]


def only_waits(steps: tuple[Step, ...]) -> bool:
    """Whether nothing is done."""
    return all(isinstance(step, Wait) for step in steps)
