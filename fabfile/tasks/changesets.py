"""`fab current_changeset`: which release each server runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .declare import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..apply.changesets import Running
    from .run import Run

_HEADINGS = ("server", "role", "release", "commit", "note")


@reading(own_first=True)
def current_changeset(run: Run, roles: str = "", instance: str = "") -> None:
    """Show the release and commit that each server runs, and where its group would launch another one.

    What was changed in place, and not in what the group launches, is undone by the next server that autoscaling makes.
    """
    from ..apply.changesets import running  # noqa: PLC0415  (boto3 is slow to import)
    from ..errors import Unreachable  # noqa: PLC0415
    from .commanding import chosen_servers  # noqa: PLC0415
    from .wiring import transport_of  # noqa: PLC0415

    environment = run.environment
    servers = chosen_servers(run, roles, instance)
    seen = running(run.aws(), environment, transport_of(environment), servers)
    if run.json:
        run.output.json([_told(each) for each in seen])
    else:
        run.output.table(_HEADINGS, [_row(each) for each in seen])
        run.output.result(conclusion(seen))
    unseen = [f"{each.server.id}: {each.unseen}" for each in seen if each.unseen]
    if unseen:
        raise Unreachable(
            f"see what {len(unseen)} of {len(seen)} servers run",
            "; ".join(unseen),
            f"Are they up, and does SSH reach them? See fab describe:{environment.place}",
        )


def conclusion(seen: Sequence[Running]) -> str:
    """Say in a line whether all is as autoscaling would make it."""
    asked = [each for each in seen if not each.unseen]
    other = [each for each in asked if each.note]
    if other:
        verb = "is" if len(other) == 1 else "are"
        return f"{len(other)} of {len(asked)} servers {verb} not what autoscaling would launch"
    releases = sorted({each.release for each in asked})
    if len(releases) == 1:
        return f"{len(asked)} servers run {releases[0]}"
    return (
        f"{len(asked)} servers run what their groups launch: {', '.join(releases)}"
        if releases
        else "no server answered"
    )


def _row(each: Running) -> tuple[str, ...]:
    return (each.server.id, each.server.role, each.release or "–", each.commit or "–", each.note)


def _told(each: Running) -> dict[str, object]:
    return {
        "server": each.server.id,
        "role": each.server.role,
        "group": each.server.group,
        "address": each.server.address,
        "release": each.release,
        "commit": each.commit,
        "launches": each.launches,
        "note": each.note,
    }
