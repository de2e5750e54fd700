"""Put the parts of a deploy together for one environment:

the only place that knows which kind each of them is.
"""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..apply.aws_world import AwsWorld, Workers
from ..apply.dynamo_ledger import DynamoLedger
from ..apply.dynamo_wishes import DynamoWishes
from ..apply.evidence import AwsEvidence
from ..apply.forecast import Durations
from ..apply.launch_configs import LaunchConfigMaker
from ..apply.loop import Pace
from ..apply.traffic import SshTraffic
from ..apply.web_migrator import FirstServers, WebMigrator
from ..apply.workers import Documents, NoWorkers, SshWorkers
from ..apply.world import Clock
from ..aws.dynamodb import Table
from ..aws.session import Aws
from ..config.environment import Environment, Provider
from ..errors import Unreachable, UsageError
from ..locks.contract import Holder, Lease
from ..locks.dynamodb import DynamoRegister
from ..locks.lease import LEASE_SECONDS, LeaseLock
from ..rollout.capacity import batch_size
from ..rollout.model import Policy
from ..transports.ssh import SshTransport

if TYPE_CHECKING:
    from .run import Run

_LOCAL_LEASE_SECONDS = 8.0
# The launch hook has held a server back for min_healthy_time already, and balancers check several times before they
# call it healthy; it has to be so at two looks in a row, which are more than this part of a poll apart.
_SETTLED_POLLS = 0.5
_LOCAL_READ_LAG = 2.0
_LOCAL_LOOK = 1.0  # seconds between two looks at what a canary answers
_AWS_READ_LAG = 15.0
_AFTER_GATE_SECONDS = 2.0


def is_local(environment: Environment) -> bool:
    return environment.provider is Provider.LOCAL


def ledger_of(aws: Aws, environment: Environment, fence: int | None = None) -> DynamoLedger:
    """Return the environment's ledger; only one with the lock's token as its `fence` may be written to."""
    return DynamoLedger(Table(aws, environment.names.table), fence)


def lock_of(aws: Aws, environment: Environment, clock: Clock) -> LeaseLock:
    """Return the environment's deploy lock."""
    name = f"{environment.deployment}-{environment.name}"
    lease = _LOCAL_LEASE_SECONDS if is_local(environment) else LEASE_SECONDS
    return LeaseLock(DynamoRegister(Table(aws, environment.names.table), name), clock, name, lease)


def wishes_of(aws: Aws, environment: Environment, group: str) -> DynamoWishes:
    """Return where operators' sizes for one group of the environment are written down."""
    return DynamoWishes(Table(aws, environment.names.table), f"{environment.deployment}-{environment.name}", group)


@contextmanager
def locked(run: Run, deploy_id: str, looks_on: Callable[[Holder], None] | None = None) -> Iterator[Lease]:
    """Hold the environment's lock, queueing as long as `--wait` says.

    `looks_on` is called at every look in the queue, in place of saying who holds it; what it raises ends the queueing.
    """
    since = run.clock.now()

    def waits(holder: Holder) -> None:
        run.output.waiting(f"the lock that {holder.owner} holds ({holder.reason})", since, since + run.wait)

    owner = f"{getpass.getuser()}@{socket.gethostname()}"
    lock = lock_of(run.aws(), run.environment, run.clock)
    lease = lock.acquire(owner, f"fab {run.task}", deploy_id, run.wait, looks_on or waits)
    try:
        yield lease
    finally:
        try:
            lease.release()
        except Unreachable as error:
            # How the task itself ended is what counts; the lock runs out by itself.
            run.output.warning(f"the lock was not given back: {error}")


def maker_of(run: Run) -> LaunchConfigMaker:
    """Return what makes releases and launch configs of the run's environment."""
    return LaunchConfigMaker(run.aws(), run.environment, run.clock.now, run.output.progress)


def transport_of(environment: Environment) -> SshTransport:
    """Return what reaches the environment's servers."""
    return SshTransport(environment.ssh_user, environment.ssh_config)


def world_of(run: Run, maker: LaunchConfigMaker, group: str) -> AwsWorld:
    """Return one group's web servers and the environment's workers as the loop's world."""
    aws, environment = run.aws(), run.environment
    transport = transport_of(environment)
    evidence = AwsEvidence(aws, group, transport, environment.ssh_attribute)
    workers = workers_of(aws, environment, maker)
    traffic = SshTraffic(
        aws,
        transport,
        environment.ssh_attribute,
        paths=environment.rollout.probe_paths,
        timeout=environment.health.timeout,
    )
    if not isinstance(workers, NoWorkers):
        return AwsWorld(aws, group, workers, evidence, worker_group=environment.names.worker, traffic=traffic)
    documents = _documents(maker, group)
    migrator = WebMigrator(aws, environment, transport, documents) if environment.application.migrates else None
    return AwsWorld(aws, group, workers, evidence, migrator=migrator, traffic=traffic)


def workers_of(aws: Aws, environment: Environment, maker: LaunchConfigMaker) -> Workers:
    """Return the environment's workers, if it is to have some."""
    role = environment.roles.get("worker")
    if role is None or not role.count:
        return NoWorkers()
    documents = _documents(maker, environment.names.worker)
    return SshWorkers(aws, environment, transport_of(environment), documents)


def first_servers_of(aws: Aws, environment: Environment, maker: LaunchConfigMaker, world: AwsWorld) -> FirstServers:
    """Return the web servers of a new environment that has no workers to migrate."""
    documents = _documents(maker, environment.names.stack_group)
    return FirstServers(aws, environment, transport_of(environment), documents, world.observe_group)


def _documents(maker: LaunchConfigMaker, group: str) -> Documents:
    return lambda release: maker.document(maker.stored(release), group)


def policy_of(
    environment: Environment, batch: str, servers: int, slot_deadline: float, *, gated: bool = True
) -> Policy:
    """Return what a rollout may do; "" and 0 stand for the config's values.

    `gated` says whether the group's launch hook holds new servers back until they are healthy. Raises `UsageError`
    for the batch.
    """
    rollout = environment.rollout
    settling = _SETTLED_POLLS * rollout.poll if gated else rollout.min_healthy_time
    try:
        size = batch_size(batch or rollout.batch, servers)
    except ValueError as error:
        raise UsageError("use the batch", str(error), "Say --batch 2, or --batch 25%") from error
    return Policy(
        batch=size,
        slot_deadline=slot_deadline or rollout.slot_deadline,
        min_healthy_time=min(rollout.min_healthy_time, settling),
        drain_timeout=rollout.drain_timeout,
        max_error_rate=rollout.max_error_rate,
        min_requests=rollout.min_requests,
        look_every=max(rollout.poll, _LOCAL_LOOK if is_local(environment) else Policy.look_every),
        read_lag=_LOCAL_READ_LAG if is_local(environment) else _AWS_READ_LAG,
    )


def pace_of(environment: Environment) -> Pace:
    """Return how often to look."""
    poll = environment.rollout.poll
    return Pace(poll=poll, after_change=min(1.0, poll))


def durations_of(environment: Environment) -> Durations:
    """Return what a forecast takes for granted: that servers come up well within their deadline."""
    rollout = environment.rollout
    if not is_local(environment):
        return Durations(boot=min(Durations.boot, rollout.slot_deadline / 2), poll=rollout.poll)
    boot = min(environment.local.boot + rollout.min_healthy_time + 5.0, rollout.slot_deadline / 2)
    return Durations(boot=boot, drain=environment.local.drain, job=1.0, migration=5.0, poll=rollout.poll)
