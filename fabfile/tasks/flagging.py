"""`fab flag_deployment`: tell the markers by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .declare import changing

if TYPE_CHECKING:
    from ..markers.occasion import Occasion
    from .run import Run

_HELP = {"at": "Of what: start, success or failure.", "reason": "What to give as the reason."}


@changing(help=_HELP)
def flag_deployment(run: Run, at: str = "success", reason: str = "") -> None:
    """Tell the config's markers of what the web servers run: their commands and web hooks."""
    from dataclasses import replace  # noqa: PLC0415

    from ..config.markers import EVENTS  # noqa: PLC0415
    from ..config.naming import nearest  # noqa: PLC0415
    from ..errors import Unreachable, UsageError  # noqa: PLC0415
    from ..markers.telling import concerned, described  # noqa: PLC0415
    from .marking import told  # noqa: PLC0415

    if at not in EVENTS:
        raise UsageError("run flag_deployment", f"there is no occasion {at!r}", nearest(at, EVENTS, "occasions"))
    markers = concerned(run.environment.markers, at)
    if not markers:
        next_step = "Add one under markers in fabulaws-config.yml"
        raise UsageError("run flag_deployment", f"{run.environment.place} has no marker at {at}", next_step)
    if run.dry_run:
        for marker in markers:
            run.output.result(f"would tell of the {at}: {described(marker)}")
        return
    occasion = replace(_of_what_runs(run, at), reason=reason)
    if told(run, occasion) is not None:
        raise Unreachable("run flag_deployment", "a required marker failed", "The line above says why")


def _of_what_runs(run: Run, at: str) -> Occasion:
    from ..apply.launch_configs import release_of  # noqa: PLC0415
    from .marking import occasion_of  # noqa: PLC0415
    from .wiring import maker_of  # noqa: PLC0415

    maker = maker_of(run)
    live = maker.live(run.environment.names.stack_group)
    if live is None:
        return occasion_of(run, at)
    release = release_of(live)
    commit = maker.stored(release).commit if release else ""
    return occasion_of(run, at, launch_config=live.name, commit=commit)
