"""`fab create_environment` and `fab destroy_environment`: a whole environment as one stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import UsageError
from .declare import changing

if TYPE_CHECKING:
    from ..apply.launch_configs import LaunchConfigMaker
    from ..aws.cloudformation import ChangeSet, StackEvent
    from ..bootstrap.change import StackChange
    from ..bootstrap.creation import Creation
    from ..locks.contract import Lease
    from .run import Run

_LOCAL_POLL = 0.2
_AWS_POLL = 5.0
_PATIENCE = 1800.0  # seconds for first servers, database included


@changing(help={"changeset": "commit, tag or branch that the first servers run (the environment's branch)"})
def create_environment(run: Run, changeset: str = "") -> None:
    """Create an environment, or bring it to what the config says, without touching what deploys own.

    Security groups, load balancer, target group, listener, launch templates, autoscaling groups, database and the
    servers' role are one CloudFormation stack. The change set is shown first; --dry-run stops there.
    """
    from ..apply.undertaking import new_deploy_id  # noqa: PLC0415
    from .wiring import locked, maker_of  # noqa: PLC0415  (boto3 is slow to import)

    if run.dry_run:
        _show(run, _creation(run, maker_of(run), changeset).foretell())
        return
    with locked(run, new_deploy_id(run.clock.now())) as lease:
        maker = maker_of(run)
        creation = _creation(run, maker, changeset)
        proposed = creation.propose()
        _show(run, proposed)
        lease.check()
        creation.carry_out(proposed)
        _keep_password(run)
        _see_in(run, maker)
    _tell_site(run)


@changing(help={"name": "the environment's stack, typed out, where nobody is there to ask"})
def destroy_environment(run: Run, name: str = "") -> None:
    """Take an environment away: its servers, balancer, database and all else that create_environment made.

    Releases, the lock and the ledger stay. It asks for the name of the environment's stack.
    """
    from ..apply.undertaking import new_deploy_id  # noqa: PLC0415
    from ..display.asking import ask, somebody_there  # noqa: PLC0415
    from .wiring import locked  # noqa: PLC0415

    wanted = run.environment.names.stack
    if run.dry_run:
        run.output.result(f"would delete the stack {wanted} and everything in it")
        return
    if not name and somebody_there():
        name = ask(f"This deletes {wanted} with its servers and its database. Type its name to go on:")
    if name != wanted:
        raise UsageError(
            f"destroy {wanted}",
            f"its name was to be typed, not {name!r}" if name else "nobody is there to type its name",
            f"Say --name {wanted}",
        )
    with locked(run, new_deploy_id(run.clock.now())) as lease:
        lease.check()
        gone = _change(run).delete(lambda event: _progress(run, event))
        _close_deploys(run, lease)
        if gone:
            run.output.result(f"{wanted} is gone; its releases and its history are kept")
        else:
            run.output.result(f"{wanted} is not there; nothing to do")


def _close_deploys(run: Run, lease: Lease) -> None:
    """Nothing of a deploy that did not end is left to finish; groups that the stack did not make are let be."""
    from ..apply.left_over import close_destroyed  # noqa: PLC0415
    from .wiring import ledger_of  # noqa: PLC0415

    ledger = ledger_of(run.aws(), run.environment, lease.token)
    unfinished = ledger.unfinished(run.environment.deployment, run.environment.name)
    close_destroyed(run.aws(), run.environment.names.stack_group, ledger, unfinished, run.clock.now())


def _creation(run: Run, maker: LaunchConfigMaker, changeset: str) -> Creation:
    from ..aws.autoscaling import fill_group  # noqa: PLC0415
    from ..aws.cloudformation import Stacks  # noqa: PLC0415
    from ..aws.placement import place  # noqa: PLC0415
    from ..aws.s3 import bucket_name  # noqa: PLC0415
    from ..bootstrap.creation import Creation  # noqa: PLC0415
    from ..bootstrap.template import parameters, render  # noqa: PLC0415
    from ..bootstrap.versions import StackVersions  # noqa: PLC0415

    environment, aws = run.environment, run.aws()
    _check_changeset(run, maker, changeset)
    placement = place(aws, environment)
    worker = environment.roles.get("worker")
    group = environment.names.stack_group
    stack = Stacks(aws).describe(environment.names.stack)
    before = stack.parameters if stack and stack.exists else {}
    _tell_sizes(run, before)
    return Creation(
        change=_change(run),
        launch_configs=StackVersions(
            maker, changeset, group, environment.names.worker if worker and worker.count else ""
        ),
        body=render(environment, bucket_name(aws)),
        parameters=lambda live: parameters(environment, placement, live, before),
        tags=environment.tags,
        fill=lambda version: fill_group(aws, group, version, environment.minimum, environment.desired),
        say=run.output.progress,
        on_event=lambda event: _progress(run, event),
    )


def _tell_sizes(run: Run, before: Mapping[str, str]) -> None:
    """Say whose sizes hold where the group's are not the config's; nothing of a group that was never filled."""
    from ..aws.autoscaling import describe_group, exists  # noqa: PLC0415
    from ..bootstrap.sizes import remarks  # noqa: PLC0415
    from .wiring import ledger_of  # noqa: PLC0415

    environment, aws = run.environment, run.aws()
    name = environment.names.stack_group
    if not before.get("WebVersion") or not exists(aws, name):
        return
    group = describe_group(aws, name).group
    found = ledger_of(aws, environment).unfinished(environment.deployment, environment.name)
    unfinished = {each.record.id: intent for each in found for intent in each.intents if intent.group == name}
    for remark in remarks((environment.minimum, environment.maximum), before, group, unfinished):
        run.output.result(f"{name}: {remark}")


def _check_changeset(run: Run, maker: LaunchConfigMaker, changeset: str) -> None:
    """Refuse a changeset that is none before anything is created, and say so where it is not going to be used."""
    from ..releases.source import Repository  # noqa: PLC0415

    new = maker.live(run.environment.names.stack_group) is None
    if changeset or new:
        Repository(run.environment.repository).resolve(changeset or run.environment.branch)
    if changeset and not new:
        run.output.warning(f"the environment runs a release already: {changeset} is left to fab deploy_serial")


def _change(run: Run) -> StackChange:
    from ..aws.cloudformation import Stacks  # noqa: PLC0415
    from ..aws.session import Aws  # noqa: PLC0415
    from ..bootstrap.change import StackChange  # noqa: PLC0415

    # A dry run's clients cannot write, and what a stack's change would be only CloudFormation knows: it is
    # asked by a change set, which changes nothing until it is executed and is deleted again.
    aws = Aws(run.environment, run.aws().endpoint_url, task=run.task) if run.dry_run else run.aws()
    return StackChange(Stacks(aws), run.environment.names.stack, run.clock, _poll(run))


def _poll(run: Run) -> float:
    from .wiring import is_local  # noqa: PLC0415

    return _LOCAL_POLL if is_local(run.environment) else _AWS_POLL


def _see_in(run: Run, maker: LaunchConfigMaker) -> None:
    """Wait until the environment serves; a first creation that died here is seen to its end by the next run."""
    from ..apply.launch_configs import release_of  # noqa: PLC0415
    from ..bootstrap.arrival import Patience, await_service, migrate_first  # noqa: PLC0415
    from .wiring import first_servers_of, workers_of, world_of  # noqa: PLC0415

    environment = run.environment
    group = environment.names.stack_group
    live = maker.live(group)
    if live is None:
        return
    patience = Patience(_poll(run), _PATIENCE)
    world = world_of(run, maker, group)
    if environment.application.migrates:
        role = environment.roles.get("worker")
        workers = workers_of(run.aws(), environment, maker)
        servers = workers if role and role.count else first_servers_of(run.aws(), environment, maker, world)
        migrate_first(servers, release_of(live), run.clock, patience, run.output.waiting)
    await_service(lambda: world.observe_group().members, environment.minimum, run.clock, patience, run.output.waiting)


def _keep_password(run: Run) -> None:
    """Put the database password's next change off where it is near; the environment works until then in any case."""
    from ..aws.cloudformation import Stacks  # noqa: PLC0415
    from ..aws.secretsmanager import reschedule, secret  # noqa: PLC0415
    from ..aws.translate import Refused  # noqa: PLC0415
    from ..bootstrap.rotation import due_soon, far_off  # noqa: PLC0415

    aws = run.aws()
    stack = Stacks(aws).describe(run.environment.names.stack)
    arn = stack.outputs.get("DatabaseSecretArn", "") if stack else ""
    try:
        if arn and due_soon(secret(aws, arn).rotates, run.clock.now()):
            reschedule(aws, arn, far_off(run.clock.now()))
    except Refused as error:
        run.output.warning(f"servers keep the database password that they start with, and RDS changes it soon: {error}")


def _tell_site(run: Run) -> None:
    from ..apply.description import site_of  # noqa: PLC0415

    site = site_of(run.aws(), run.environment)
    run.output.result(f"{run.environment.deployment} {run.environment.name} is ready: {site}")


def _show(run: Run, proposed: ChangeSet) -> None:
    if proposed.empty:
        run.output.result(f"the stack {proposed.stack} is as the config says")
        return
    rows = [
        (change.action, change.resource, change.type, "replaced" if change.replacement else "")
        for change in proposed.changes
    ]
    run.output.table(("change", "resource", "type", ""), rows)


def _progress(run: Run, event: StackEvent) -> None:
    if wanted := event.wanted_record:
        run.output.warning(
            f"make the DNS record {wanted}: the stack waits until it is to be seen, for three days at most"
        )
        return
    reason = f": {event.reason}" if event.reason else ""
    run.output.progress(f"{event.status.lower().replace('_', ' ')} {event.resource} ({event.type}){reason}")
