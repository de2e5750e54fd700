"""The values that decisions are made from: a fleet as seen, an intent, a policy. What they come to is in `steps`.

Times are seconds since the epoch (float) unless a name says otherwise. All are frozen: `dataclasses.replace`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from .trial import NO_TRIAL, Approval, Trial
from .wish import Taken, Wish


class Lifecycle(StrEnum):
    """Where an instance stands in its group; AWS's lifecycle states folded into what matters."""

    PENDING = "pending"  # Pending, Pending:Wait, Pending:Proceed
    IN_SERVICE = "in service"
    STANDBY = "standby"  # Standby, EnteringStandby
    LEAVING = "leaving"  # Terminating*, Detaching*
    WARM = "warm"  # Warmed:*


class Health(StrEnum):
    """What one balancer says of one target."""

    HEALTHY = "healthy"
    INITIAL = "initial"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    UNUSED = "unused"
    ABSENT = "absent"  # not registered


@dataclass(frozen=True)
class TargetState:
    """One target as one balancer sees it, with its own reason (e.g. `Target.FailedHealthChecks`)."""

    balancer: str
    health: Health
    reason: str = ""
    by_group: bool = True  # the group registers and drains it by itself


@dataclass(frozen=True)
class Member:
    """An instance of a group as seen now."""

    id: str
    zone: str
    launch_config: str  # what it was launched with: "lt-0abc:7"
    lifecycle: Lifecycle
    healthy: bool = True  # the group's own opinion (HealthStatus)
    protected: bool = False
    launched_at: float = 0.0
    targets: tuple[TargetState, ...] = ()

    @cached_property
    def registered(self) -> frozenset[str]:
        """The balancers that it is in, in whatever state."""
        return frozenset(target.balancer for target in self.targets)

    @cached_property
    def serving(self) -> bool:
        """In service in the group and healthy in every balancer that it is in."""
        return (
            self.lifecycle is Lifecycle.IN_SERVICE
            and self.healthy
            and all(target.health is Health.HEALTHY for target in self.targets)
        )


@dataclass(frozen=True)
class Group:
    """An autoscaling group as seen now."""

    name: str
    minimum: int
    maximum: int
    desired: int
    launch_config: str  # what comes next: "lt-0abc:8"
    zones: tuple[str, ...]
    suspended: frozenset[str] = frozenset()
    members: tuple[Member, ...] = ()
    balancers: tuple[str, ...] = ()  # every balancer an instance must be healthy in to serve


class WorkerPhase(StrEnum):
    """How far one worker is with the intent's release."""

    OLD = "old"  # runs something else and has jobs to finish
    STOPPED = "stopped"  # finished its job, takes no new one
    INSTALLED = "installed"  # release in place, not migrated or not started
    RUNNING = "running"  # runs the release


class Migration(StrEnum):
    """The state of one release's migrations, read from the worker's status file."""

    NONE = "none"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Worker:
    """A worker as seen now."""

    id: str
    phase: WorkerPhase
    release: str = ""
    migration: Migration = Migration.NONE
    detail: str = ""  # the last line of what failed


@dataclass(frozen=True)
class Observed:
    """Everything that can be seen in the world now and that a decision needs.

    Workers are seen in relation to the release of the intent that was given; a migration that runs is
    reported as running whichever release it belongs to.
    """

    group: Group
    workers: tuple[Worker, ...] = ()
    workers_unseen: tuple[tuple[str, str], ...] = ()  # workers that did not answer, and why
    workers_wanted: int = 0  # how many there are to be, as far as somebody says so
    worker_config: str = ""  # what the workers' group launches next; "" where there is none
    approval: Approval | None = None  # what was said to a deploy that waits for it
    migrator: Worker | None = None  # the web server that migrates, where there are no workers to do it
    wish: Wish | None = None  # the newest sizes that an operator asked for


class Order(StrEnum):
    """When workers and migrations come."""

    FIRST = "first"
    LAST = "last"
    NEVER = "never"


class Phase(StrEnum):
    """What the deploy is doing, as far as it cannot be seen."""

    ROLLING = "rolling"
    ROLLING_BACK = "rolling back"
    RESTORING = "restoring"  # settings go back to what they were
    ENDED = "ended"


@dataclass(frozen=True)
class Launch:
    """One launch of surge: the token makes a repeated call harmless.

    `ids` is empty until the reply is recorded; a deploy that died between repeats the call with the token.
    """

    token: str
    zone: str
    count: int
    launch_config: str
    asked_at: float
    desired_before: int
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Retirement:
    """One termination that we asked for; followed until the instance is gone."""

    instance: str
    asked_at: float
    decrement: bool  # desired capacity goes down with it
    replaces: bool = True  # an old server gives way to a new one; False: a failed or surplus one goes
    answered: bool = False


@dataclass(frozen=True)
class Asked:
    """An idempotent change that we asked for last: a read may lag behind it for a while."""

    what: str  # "launch config", "maximum", "process AZRebalance", "stop i-1" …
    value: str
    at: float


@dataclass(frozen=True)
class Move:
    """A desired capacity that was right until our own change at `at`: a read may still show it."""

    at: float
    desired: int


@dataclass(frozen=True)
class Failure:
    """One new server that failed, or one launch that was refused (`instance` is empty)."""

    instance: str
    why: str


@dataclass(frozen=True)
class Intent:
    """What cannot be seen in the world: written to the ledger before it is acted on."""

    deploy_id: str
    target: str  # the launch config that is rolled out, "lt-0abc:8"
    previous: str  # the one before, to which a stopped deploy goes back
    group: str = ""  # whose intent this is; "" in ledgers of the time when an environment had one group
    turn: int = 1  # which of the deploy's groups it is
    tried: tuple[str, ...] = ()  # launch configs of unfinished deploys that it took over: going back, none stays
    release: str = ""  # the release that workers get
    previous_release: str = ""
    worker_target: str = ""  # what the workers' group is to launch; "" leaves it alone
    worker_previous: str = ""  # what it launched before
    order: Order = Order.FIRST
    phase: Phase = Phase.ROLLING
    started: float = 0.0
    desired: int = 0  # where desired capacity is to end: before us, or where somebody put it meanwhile
    owned: int = 0  # how much of the group's desired capacity is our surge; below 0: owed to the group
    floor: int = 0  # servers that served before us
    servers: bool = True  # web servers are part of this deploy
    begun: bool = False  # something was changed, or was about to be
    launched: int = 0  # launches so far: the number of the last one's token
    launches: tuple[Launch, ...] = ()  # whose servers have not proved themselves yet, or whose reply is missing
    retiring: tuple[Retirement, ...] = ()
    moves: tuple[Move, ...] = ()
    asked: tuple[Asked, ...] = ()
    suspended_before: frozenset[str] | None = None  # None: nothing suspended by us yet
    maximum_before: int | None = None  # None: not raised by us
    maximum_raised: int | None = None
    maximums_tried: tuple[int, ...] = ()  # what we raised it to before that: a call may not have been answered
    wishes_seen: int = 0  # number of the newest wish that is older than this deploy or was taken up by it
    taken: Taken | None = None  # the last wish that was taken up
    serving_since: tuple[tuple[str, float], ...] = ()  # since when each new instance serves without a break
    coming: tuple[tuple[str, float], ...] = ()  # new instances that do not serve, and when each was last seen
    ailing: tuple[tuple[str, float], ...] = ()  # new instances that served, and since when they do not
    excused: int = 0  # instances that somebody's scale-in explains the loss of
    workers_since: float | None = None  # since when workers that nobody sees yet are waited for
    slot_since: float | None = None  # when the current batch's deadline began
    failures: tuple[Failure, ...] = ()
    examined: tuple[str, ...] = ()  # instances whose evidence is saved
    refusals: int = 0  # terminations that were refused in a row
    trouble: str = ""  # why it cannot go on in this phase; empty while it can
    stuck: str = ""  # why going back failed too
    trial: Trial = NO_TRIAL
    migrates: bool = True  # a release has something to do before it meets its database
    migrator: str = ""  # the web server that was chosen to migrate; another deployer goes on with it
    migrated: bool = False  # migrations of `release` are known to have run
    failure: str = ""  # why it stopped, once it did
    evidence: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """What a rollout may do."""

    batch: int = 1  # servers replaced at a time; also the surge
    slot_deadline: float = 600.0  # seconds for a batch to come into service, through whatever instances
    min_healthy_time: float = 10.0  # seconds that a new instance serves before an old one goes
    failure_budget: int = 0
    drain_timeout: float = 600.0
    grace: float = 30.0  # seconds that a new instance may cease to serve before it counts as failed
    worker_deadline: float = 3600.0  # seconds for a worker to stop, to install or to start
    read_lag: float = 15.0  # seconds that a read may lag behind our own change
    max_error_rate: float = 0.01  # a canary's share of failed requests that stops nothing
    min_requests: int = 100  # below it nothing is said of a canary
    look_every: float = 5.0  # seconds between two looks at what a canary answers
    wait_for_stable: bool = True  # refuse a group whose instances don't come into service before we begin
