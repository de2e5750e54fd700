"""What the deploy tasks share: under the lock, choose what is rolled out to which groups, and carry it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..adoption.first_release import check_first_release
from ..apply.forecast import forecast
from ..apply.launch_configs import LaunchConfigMaker, release_of
from ..apply.ledger_contract import Unfinished
from ..apply.left_over import with_groups_that_are_there
from ..apply.named_configs import Target, named_target
from ..apply.undertaking import Wanted, begins_with, can_resume, close_superseded, new_deploy_id, undertake
from ..config.schema import MOST_PROBE_REQUESTS
from ..errors import UsageError
from ..releases.source import Repository
from ..rollout.model import Group, Intent, Order
from .conducting import conclude, conduct, servers_of, share_static
from .groups import chosen_groups
from .marking import Marking, foretell_markers
from .telling import name_of, summary
from .trying import tell_batch, trial_of
from .wiring import durations_of, ledger_of, locked, maker_of, policy_of, world_of

if TYPE_CHECKING:
    from ..apply.report import Report
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
    groups: str = ""
    canary: str = ""
    bake_time: float = 0.0
    pause: bool = False


class Rollout:
    """One deploy task on one environment."""

    def __init__(self, run: Run, request: Request) -> None:
        self._run = run
        self._request = request
        _check(run, request)
        chosen = chosen_groups(run, request.groups)
        # Workers have no web group; their deploy is kept under the stack's.
        self._groups = chosen if request.servers else (run.environment.names.stack_group,)
        self._maker: LaunchConfigMaker = maker_of(run)

    def carry_out(self) -> None:
        """Deploy and say how it ended; raises `RolloutFailed` or `StoppedHalfway` unless it was seen to hold."""
        run = self._run
        with Marking(run) as marking:
            conclude(run, self._carried_out(marking))

    def _carried_out(self, marking: Marking) -> Report:
        run = self._run
        deploy_id = new_deploy_id(run.clock.now())
        with locked(run, deploy_id) as lease:
            ledger = ledger_of(run.aws(), run.environment, lease.token)
            unfinished = ledger.unfinished(run.environment.deployment, run.environment.name)
            taken_over = self._left_over(unfinished)
            groups = self._look()
            self._check_first_releases(groups, taken_over)
            target = self._made(self._choose(taken_over, groups))
            wanted = self._wanted(target, self._worker_config(target, taken_over), groups)
            undertaking = undertake(wanted, groups, taken_over, deploy_id, run.clock.now())
            marking.begin(undertaking.record.id, target.name, target.commit)
            lease.check()
            ledger.begin(undertaking.record, undertaking.intents)
            close_superseded(ledger, unfinished, undertaking.record.id, run.clock.now())
            if self._request.servers:
                for group in groups.values():
                    share_static(run, self._maker, target.release, group)
            lease.check()
            return conduct(run, undertaking, self._request, maker=self._maker, ledger=ledger, lease=lease)

    def foretell(self) -> None:
        """Print the steps that the deploy would take, and what they would come to."""
        run = self._run
        ledger = ledger_of(run.aws(), run.environment)
        unfinished = ledger.unfinished(run.environment.deployment, run.environment.name)
        unfinished = self._left_over(unfinished)
        groups = self._look()
        self._check_first_releases(groups, unfinished)
        target = self._foretold_target(unfinished, groups)
        wanted = self._wanted(target, _UNMADE if self._request.order is not Order.NEVER else "", groups)
        intents = undertake(wanted, groups, unfinished, "forecast", run.clock.now()).intents
        run.output.result(f"would deploy {target.name}:")
        begins = 0.0
        for intent in intents:
            begins = self._foretell_group(intent, begins, several=len(intents) > 1)
        foretell_markers(run)

    def _foretell_group(self, intent: Intent, begins: float, several: bool) -> float:
        """Print what one group's rollout would be, from `begins` seconds on; returns when it would end."""
        run, request = self._run, self._request
        world = world_of(run, self._maker, intent.group)
        gated = world.gated()
        policy = policy_of(run.environment, request.batch, max(intent.desired, 1), request.slot_deadline, gated=gated)
        tell_batch(run, request, intent, policy.batch)
        foretold = forecast(world.observe(intent), intent, policy, durations_of(run.environment))
        for seconds, step in foretold.steps:
            run.output.result(f"{begins + seconds:7.0f} s  {name_of(step)}: {step.reason}")
        report = foretold.report
        lowest = f"capacity never below {report.capacity_lowest}"
        named = f"forecast of {intent.group}" if several else "forecast"
        run.output.result(f"{named}: {summary(report, servers_of(report))} · {lowest}")
        return begins + report.seconds

    def _left_over(self, unfinished: tuple[Unfinished, ...]) -> tuple[Unfinished, ...]:
        run = self._run
        stack_group = run.environment.names.stack_group
        return with_groups_that_are_there(run.aws(), stack_group, unfinished, run.output.warning)

    def _look(self) -> dict[str, Group]:
        return {name: world_of(self._run, self._maker, name).observe_group() for name in self._groups}

    def _check_first_releases(self, groups: Mapping[str, Group], unfinished: tuple[Unfinished, ...]) -> None:
        environment = self._run.environment
        worker = environment.roles.get("worker")
        on_a_web_server = environment.application.migrates and not (worker and worker.count)
        migrates = self._request.order is Order.FIRST and on_a_web_server
        migrating = begins_with(groups, unfinished) if migrates else ""
        for name, group in groups.items():
            check_first_release(self._run.aws(), environment, group, migrates=name == migrating)

    def _choose(self, unfinished: tuple[Unfinished, ...], groups: Mapping[str, Group]) -> Target:
        """Return the launch config that was named, the one that an unfinished deploy of the same has, or a new one."""
        run, request = self._run, self._request
        if request.launch_config:
            return named_target(run.aws(), self._maker, run.environment, request.launch_config, groups)
        last = unfinished[0] if unfinished else None
        if last and can_resume(last, run.task) and last.record.changeset == self._commit():
            run.output.progress(f"going on with {last.record.id}, which did not end")
            has = {intent.group: intent.target for intent in last.intents if intent.group in groups}
            missing = tuple(name for name in groups if name not in has)
            record, release = last.record, last.intents[0].release
            return Target(record.launch_config, record.changeset, release, has, missing)
        manifest = self._maker.release(request.changeset)
        if not request.servers:
            live = {name: group.launch_config for name, group in groups.items()}
            return Target(next(iter(live.values())), manifest.commit, manifest.id, live)
        made = self._maker.make_for(manifest, self._groups)
        name = next(iter(made.values())).name
        run.output.progress(f"made the launch config {name}")
        return Target(name, manifest.commit, manifest.id, {group: config.id for group, config in made.items()})

    def _made(self, target: Target) -> Target:
        """Return the target with a launch config of its name in the groups that had none, in the deploy's order."""
        if not target.missing:
            return target
        made = self._maker.make_for(self._maker.stored(target.release), target.missing, target.name)
        self._run.output.progress(f"made the launch config {target.name} for {', '.join(target.missing)}")
        return _with(target, {group: config.id for group, config in made.items()}, self._groups)

    def _foretold_target(self, unfinished: tuple[Unfinished, ...], groups: Mapping[str, Group]) -> Target:
        """Return what would be rolled out, with a stand-in for each launch config that is not made yet."""
        if self._request.launch_config:
            target = self._choose(unfinished, groups)
            return _with(target, dict.fromkeys(target.missing, _UNMADE), self._groups)
        commit = self._commit()
        unmade = dict.fromkeys(self._groups, _UNMADE)
        return Target(f"a new launch config of {commit[:7]}", commit, f"new-{commit[:7]}", unmade)

    def _wanted(self, target: Target, worker_config: str, groups: Mapping[str, Group]) -> Wanted:
        run = self._run
        servers = next((max(group.desired, 1) for group in groups.values() if group.members), 1)
        web, worker = self._maker.live(self._groups[0]), self._maker.live(run.environment.names.worker)
        return Wanted(
            task=run.task,
            deployment=run.environment.deployment,
            environment=run.environment.name,
            targets=target.configs,
            launch_config=target.name,
            commit=target.commit,
            release=target.release,
            # Workers may have had a release of their own since the web servers' last one.
            previous_release=(worker and release_of(worker)) or (web and release_of(web)) or "",
            order=self._request.order,
            servers=self._request.servers,
            worker_target=worker_config,
            worker_previous=worker.id if worker else "",
            trial=trial_of(run.environment, self._request, servers),
            migrates=run.environment.application.migrates,
        )

    def _commit(self) -> str:
        environment = self._run.environment
        return Repository(environment.repository).resolve(self._request.changeset or environment.branch).sha

    def _worker_config(self, target: Target, unfinished: tuple[Unfinished, ...]) -> str:
        """Return what the workers' group is to launch once its workers run the release; "" leaves it alone."""
        group = self._run.environment.names.worker
        live = self._maker.live(group)
        if self._request.order is Order.NEVER or live is None or not target.release:
            return ""
        for intent in (intent for each in unfinished[:1] for intent in each.intents):
            if intent.release == target.release and intent.worker_target:
                return intent.worker_target
        if release_of(live) == target.release:
            return live.id
        return self._maker.make(self._maker.stored(target.release), group).id


def _with(target: Target, more: Mapping[str, str], order: tuple[str, ...]) -> Target:
    configs = {**target.configs, **more}
    return replace(target, configs={group: configs[group] for group in order}, missing=())


def _check(run: Run, request: Request) -> None:
    """Refuse limits that make no sense before a release is built, or the lock is taken."""
    policy_of(run.environment, request.batch, 1, request.slot_deadline)
    trial_of(run.environment, request, 1)
    if request.probe_rate > MOST_PROBE_REQUESTS:
        seen = f"--probe-rate is a number of requests a second up to {MOST_PROBE_REQUESTS}, not {request.probe_rate:g}"
        raise UsageError("watch the site", seen)
