"""What the deploy tasks share: under the lock, choose a launch config, carry the rollout out, say how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..apply.aws_world import AwsWorld
from ..apply.dynamo_ledger import DynamoLedger
from ..apply.forecast import forecast
from ..apply.launch_configs import LaunchConfigMaker, check_rolled_out_by, release_of
from ..apply.ledger_contract import Status, Unfinished
from ..apply.loop import Deploy, Setting
from ..apply.report import Report
from ..apply.undertaking import (
    Undertaking,
    Wanted,
    can_resume,
    close_superseded,
    new_deploy_id,
    of_this_group,
    undertake,
)
from ..apply.workers import fetch_static
from ..aws.ec2 import instances
from ..aws.launch_templates import find_launch_config, read_launch_config
from ..config.schema import MOST_PROBE_REQUESTS
from ..errors import RolloutFailed, StoppedHalfway, UsageError
from ..locks.contract import Lease
from ..releases.source import Repository
from ..rollout.model import Group, Lifecycle, Observed, Order
from .probing import probed
from .telling import Teller, name_of, summary
from .wiring import durations_of, ledger_of, locked, maker_of, pace_of, policy_of, transport_of, world_of

if TYPE_CHECKING:
    from .run import Run

_UNMADE = "lt-new:0"  # stands for the launch config that a dry run does not make


@dataclass(frozen=True)
class Request:
    """What the command line asked for; "" and 0 stand for the config's values."""

    launch_config: str = ""
    changeset: str = ""
    batch: str = ""
    order: Order = Order.FIRST
    servers: bool = True
    slot_deadline: float = 0.0
    probe: bool = True
    probe_rate: float = 0.0


@dataclass(frozen=True)
class Target:
    """What is rolled out: a launch config by id and name, and the commit and release in it."""

    id: str
    name: str
    commit: str
    release: str


class Rollout:
    """One deploy task on one environment."""

    def __init__(self, run: Run, request: Request) -> None:
        self._run = run
        self._request = request
        _check(run, request)
        self._maker: LaunchConfigMaker = maker_of(run)
        self._group = run.environment.names.stack_group
        self._world: AwsWorld = world_of(run, self._maker, self._group)

    def carry_out(self) -> None:
        """Deploy and say how it ended; raises `RolloutFailed` or `StoppedHalfway` unless it was seen to hold."""
        run = self._run
        deploy_id = new_deploy_id(run.clock.now())
        with locked(run, deploy_id) as lease:
            ledger = ledger_of(run.aws(), run.environment, lease.token)
            unfinished = ledger.unfinished(run.environment.deployment, run.environment.name)
            group = self._world.observe_group()
            observed = Observed(group)
            taken_over = of_this_group(unfinished, observed)
            target = self._choose(taken_over, group)
            wanted = self._wanted(target, self._worker_config(target, taken_over))
            undertaking = undertake(wanted, observed, taken_over, deploy_id, run.clock.now())
            ledger.begin(undertaking.record, undertaking.intent)
            close_superseded(ledger, unfinished, undertaking.record.id, run.clock.now())
            if self._request.servers:
                share_static(run, self._maker, target.release, group)
            lease.check()
            report = conduct(run, undertaking, self._request, world=self._world, ledger=ledger, lease=lease)
        conclude(run, report)

    def foretell(self) -> None:
        """Print the steps that the deploy would take, and what they would come to."""
        run, request = self._run, self._request
        ledger = ledger_of(run.aws(), run.environment)
        group = self._world.observe_group()
        unfinished = ledger.unfinished(run.environment.deployment, run.environment.name)
        unfinished = of_this_group(unfinished, Observed(group))
        if request.launch_config:
            target = self._choose(unfinished, group)
        else:
            commit = self._commit()
            target = Target(_UNMADE, f"a new launch config of {commit[:7]}", commit, f"new-{commit[:7]}")
        now = run.clock.now()
        wanted = self._wanted(target, _UNMADE if request.order is not Order.NEVER else "")
        intent = undertake(wanted, Observed(group), unfinished, "forecast", now).intent
        policy = policy_of(run.environment, request.batch, group.desired, request.slot_deadline)
        foretold = forecast(self._world.observe(intent), intent, policy, durations_of(run.environment))
        run.output.result(f"would deploy {target.name}:")
        for seconds, step in foretold.steps:
            run.output.result(f"{seconds:7.0f} s  {name_of(step)}: {step.reason}")
        report = foretold.report
        lowest = f"capacity never below {report.capacity_lowest}"
        run.output.result(f"forecast: {summary(report, _servers(report))} · {lowest}")

    def _choose(self, unfinished: tuple[Unfinished, ...], group: Group) -> Target:
        """Return the launch config that was named, the one that an unfinished deploy of the same has, or a new one."""
        run, request = self._run, self._request
        template = group.launch_config.partition(":")[0]
        if request.launch_config:
            config = find_launch_config(run.aws(), template, request.launch_config)
            release = release_of(config)
            check_rolled_out_by(config, run.environment, group.name, group.launch_config)
            return Target(config.id, config.name, self._maker.stored(release).commit if release else "", release)
        last = unfinished[0] if unfinished else None
        if last and can_resume(last, run.task) and last.record.changeset == self._commit():
            run.output.progress(f"going on with {last.record.id}, which did not end")
            name = last.record.launch_config
            return Target(last.intent.target, name, last.record.changeset, last.intent.release)
        manifest = self._maker.release(request.changeset)
        if not request.servers:
            return Target(group.launch_config, group.launch_config, manifest.commit, manifest.id)
        config = self._maker.make(manifest, group.name)
        run.output.progress(f"made the launch config {config.name}")
        return Target(config.id, config.name, manifest.commit, manifest.id)

    def _wanted(self, target: Target, worker_config: str) -> Wanted:
        run = self._run
        web, worker = self._maker.live(self._group), self._maker.live(run.environment.names.worker)
        return Wanted(
            task=run.task,
            deployment=run.environment.deployment,
            environment=run.environment.name,
            target=target.id,
            launch_config=target.name,
            commit=target.commit,
            release=target.release,
            # Workers may have had a release of their own since the web servers' last one.
            previous_release=(worker and release_of(worker)) or (web and release_of(web)) or "",
            order=self._request.order,
            servers=self._request.servers,
            worker_target=worker_config,
            worker_previous=worker.id if worker else "",
            migrates=run.environment.application.migrates,
        )

    def _commit(self) -> str:
        environment = self._run.environment
        return Repository(environment.repository).resolve(self._request.changeset or environment.branch).sha

    def _worker_config(self, target: Target, unfinished: tuple[Unfinished, ...]) -> str:
        """Return what the workers' group is to launch once its workers run the release; "" leaves it alone."""
        live = self._maker.live(self._run.environment.names.worker)
        if self._request.order is Order.NEVER or live is None or not target.release:
            return ""
        for each in unfinished[:1]:
            if each.intent.release == target.release and each.intent.worker_target:
                return each.intent.worker_target
        if release_of(live) == target.release:
            return live.id
        return self._maker.make(self._maker.stored(target.release), self._run.environment.names.worker).id


def _check(run: Run, request: Request) -> None:
    """Refuse limits that make no sense before a release is built, or the lock is taken."""
    groups = run.environment.names.auto_scaling_groups
    if len(groups) > 1:
        raise UsageError(f"deploy to {', '.join(groups)}", "only one group is deployed at a time", "Name one")
    policy_of(run.environment, request.batch, 1, request.slot_deadline)
    if request.probe_rate > MOST_PROBE_REQUESTS:
        seen = f"--probe-rate is a number of requests a second up to {MOST_PROBE_REQUESTS}, not {request.probe_rate:g}"
        raise UsageError("watch the site", seen)


def share_static(run: Run, maker: LaunchConfigMaker, release: str, group: Group) -> None:
    """Let servers that run have a release's static files before a page of it asks them for one."""
    manifest = maker.stored(release) if release else None
    if manifest is None or manifest.static is None:
        return
    serving = [member.id for member in group.members if member.lifecycle is Lifecycle.IN_SERVICE]
    found = instances(run.aws(), serving).values()
    hosts = [each.addresses[run.environment.ssh_attribute] for each in found]
    wanted = {"static": [{"key": manifest.static.key, "sha256": manifest.static.sha256}]}
    for host, why in fetch_static(transport_of(run.environment), hosts, wanted).items():
        run.output.warning(f"{host} has not got the new release's static files: {why}")


def conduct(
    run: Run, undertaking: Undertaking, request: Request, *, world: AwsWorld, ledger: DynamoLedger, lease: Lease
) -> Report:
    """Run the loop while the probe asks for pages, and put what both saw on record."""
    aws, environment, intent = run.aws(), run.environment, undertaking.intent
    setting = Setting(
        world=world,
        ledger=ledger,
        lease=lease,
        clock=run.clock,
        policy=policy_of(environment, request.batch, max(intent.desired, 1), request.slot_deadline),
        pace=pace_of(environment),
        tell=Teller(run.output),
        api_calls=lambda: aws.calls,
    )
    record = undertaking.record
    named = _name_of_config(run, record.previous_launch_config)
    record = replace(record, previous_launch_config=named)
    with probed(run, request.probe, request.probe_rate) as seen:
        report = Deploy(setting, record, intent).run()
        probe = seen()
    if report.status is not Status.HALF_WAY:
        ledger.finish(replace(report.on(record), probe=probe))
    line = _line(report, probe)
    if report.status is Status.DEPLOYED:
        run.output.result(line)
    else:
        run.output.progress(line)
    return report


def conclude(run: Run, report: Report) -> None:
    """Raise what says that the deploy did not hold; says nothing of one that did."""
    environment = run.environment
    name = f"{environment.deployment} {environment.name}"
    where = f"{environment.deployment},{environment.name}"
    if report.status is Status.HALF_WAY:
        next_step = f"Run fab resume:{where} to go on, or fab repair:{where} to go back"
        raise StoppedHalfway(f"finish deploying to {name}", report.reason, next_step)
    if report.status in (Status.ROLLED_BACK, Status.REFUSED):
        next_step = "The servers from before serve, and the group launches what they run"
        raise RolloutFailed(f"deploy to {name}", report.reason, next_step)


def _line(report: Report, probe: Mapping[str, object]) -> str:
    gone_back = f"went back in {report.seconds:.1f} s"
    parts = [summary(report, _servers(report)) if report.status is Status.DEPLOYED else gone_back]
    if probe:
        parts.append(f"{probe['failed']} of {probe['total']} requests failed")
        parts.append(f"p99 {probe['p99_ms']:.0f} ms")
    parts.append(f"capacity never below {report.capacity_lowest}")
    return " · ".join(parts)


def _servers(report: Report) -> int:
    return len(report.replaced) + len(report.skipped)


def _name_of_config(run: Run, launch_config: str) -> str:
    """Return the name of "lt-…:N", or it itself where it has none."""
    if not launch_config.startswith("lt-") or ":" not in launch_config:
        return launch_config
    return read_launch_config(run.aws(), launch_config).name or launch_config


def pick_unfinished(ledger: DynamoLedger, run: Run) -> Unfinished | None:
    """Return the deploy that did not end, None when there is nothing to go on with."""
    found = ledger.unfinished(run.environment.deployment, run.environment.name)
    return found[0] if found else None
