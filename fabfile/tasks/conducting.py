"""Carry an undertaking out while the probe watches, and say how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..apply.dynamo_ledger import DynamoLedger
from ..apply.launch_configs import LaunchConfigMaker
from ..apply.ledger_contract import Status
from ..apply.loop import Setting
from ..apply.report import Report
from ..apply.series import Series
from ..apply.undertaking import Undertaking
from ..apply.workers import fetch_static
from ..aws.ec2 import instances
from ..aws.launch_templates import read_launch_config
from ..errors import RolloutFailed, StoppedHalfway
from ..locks.contract import Lease
from ..rollout.model import Group, Lifecycle
from ..rollout.sizing import up_to_date
from .probing import probed
from .telling import Teller, summary
from .trying import tell_batch
from .wiring import pace_of, policy_of, transport_of, wishes_of, world_of

if TYPE_CHECKING:
    from .deploying import Request
    from .run import Run

_ENDED_BADLY = {
    Status.ROLLED_BACK: "went back in",
    Status.REFUSED: "refused after",
    Status.HALF_WAY: "stopped half-way after",
}


def share_static(run: Run, maker: LaunchConfigMaker, release: str, group: Group) -> None:
    """Let servers that run have a release's static files before a page of it asks them for one."""
    manifest = maker.stored(release) if release else None
    if manifest is None or manifest.static is None:
        return
    serving = [member.id for member in group.members if member.lifecycle is Lifecycle.IN_SERVICE]
    found = instances(run.aws(), serving)
    servers = {name: each.addresses.get(run.environment.ssh_attribute, "") for name, each in found.items()}
    wanted = {"static": [{"key": manifest.static.key, "sha256": manifest.static.sha256}]}
    for server, why in fetch_static(transport_of(run.environment), servers, wanted).items():
        run.output.warning(f"{server} has not got the new release's static files: {why}")


def conduct(
    run: Run,
    undertaking: Undertaking,
    request: Request,
    *,
    maker: LaunchConfigMaker,
    ledger: DynamoLedger,
    lease: Lease,
) -> Report:
    """Roll all groups out while the probe asks for pages, and put what both saw on record."""
    aws, environment = run.aws(), run.environment
    worlds = {intent.group: world_of(run, maker, intent.group) for intent in undertaking.intents}
    settings = {
        intent.group: Setting(
            world=worlds[intent.group],
            ledger=ledger,
            lease=lease,
            clock=run.clock,
            policy=policy_of(
                environment,
                request.batch,
                max(intent.desired, 1),
                request.slot_deadline,
                gated=worlds[intent.group].gated(),
            ),
            pace=pace_of(environment),
            tell=Teller(run.output),
            api_calls=lambda: aws.calls,
            wish=wishes_of(aws, environment, intent.group).latest,
        )
        for intent in undertaking.intents
    }
    for intent in undertaking.intents:
        tell_batch(run, request, intent, settings[intent.group].policy.batch)
    # Sizes that are asked for from here on are the deploy's to set; who asked before is still there to ask again.
    intents = tuple(up_to_date(intent, settings[intent.group].wish()) for intent in undertaking.intents)
    record = undertaking.record
    named = _name_of_config(run, record.previous_launch_config)
    record = replace(record, previous_launch_config=named)
    with probed(run, request.probe, request.probe_rate) as seen:
        watched = {group: replace(setting, site=seen.so_far) for group, setting in settings.items()}
        report = Series(lambda intent: watched[intent.group], record, intents).run()
        probe = seen.to_the_end()
    if report.status is not Status.HALF_WAY:
        ledger.finish(replace(report.on(record), probe=probe))
    _tell(run, report, probe)
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


def servers_of(report: Report) -> int:
    """Return how many servers the deploy was about."""
    return len(report.replaced) + len(report.skipped)


def _tell(run: Run, report: Report, probe: Mapping[str, object]) -> None:
    """Sum up in one line; where it did not hold, say first how each of several groups stands."""
    line = _line(report, probe)
    if report.status is Status.DEPLOYED:
        run.output.result(line)
        return
    if len(report.groups) > 1:
        for name, part in report.groups.items():
            run.output.progress(f"{name}: {part.status}, launches {_name_of_config(run, part.launch_config)}")
    run.output.progress(line)


def _line(report: Report, probe: Mapping[str, object]) -> str:
    badly = _ENDED_BADLY.get(report.status)
    parts = [f"{badly} {report.seconds:.1f} s" if badly else summary(report, servers_of(report))]
    if probe:
        parts.append(f"{probe['failed']} of {probe['total']} requests failed")
        parts.append(f"p99 {probe['p99_ms']:.0f} ms")
    parts.append(f"capacity never below {report.capacity_lowest}")
    return " · ".join(parts)


def _name_of_config(run: Run, launch_config: str) -> str:
    """Return the name of "lt-…:N", or it itself where it has none."""
    if not launch_config.startswith("lt-") or ":" not in launch_config:
        return launch_config
    return read_launch_config(run.aws(), launch_config).name or launch_config
