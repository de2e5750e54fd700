"""What `fab scale` does: show the sizes before and after, see them set by whoever may, and see the servers in."""

from __future__ import annotations

import getpass
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from ..apply.resizing import Asking, Left, NotItsTurn, TakenUp, checked, intended, left_of, limits, set_sizes
from ..apply.undertaking import new_deploy_id, of_groups_that_are_there
from ..config.naming import nearest
from ..errors import RolloutFailed, UsageError
from ..locks.contract import Holder
from ..rollout.reading import ALIVE
from ..rollout.situation import serves
from ..rollout.wish import Wish
from .wiring import ledger_of, lock_of, locked, maker_of, pace_of, wishes_of, world_of

if TYPE_CHECKING:
    from .run import Run


class Resizing:
    """One change of the sizes of an environment's web servers."""

    def __init__(self, run: Run, wish: Wish, group_name: str) -> None:
        self._run = run
        name = _named(run, group_name)
        self._wish = replace(wish, by=f"{getpass.getuser()}@{socket.gethostname()}")
        self._world = world_of(run, maker_of(run), name)
        self._first_seen = group = self._world.observe_group()
        intent = intended(group, self._left())
        self._before = limits(group, intent)
        self._after = checked(self._wish, group, intent)
        zones = len(group.zones)
        if 0 < wish.desired < zones:
            run.output.warning(f"{wish.desired} servers in {zones} zones: one zone's failure may take the site down")

    @property
    def _where(self) -> str:
        return f"{self._run.environment.deployment} {self._run.environment.name}"

    def foretell(self) -> None:
        """Print what would be set, and by whom."""
        self._show()
        run = self._run
        holder = lock_of(run.aws(), run.environment, run.clock).holder()
        by = (
            f"{holder.reason} of {holder.owner}, which holds the lock, or this task after it" if holder else "this task"
        )
        run.output.result(f"would be set by {by}")

    def carry_out(self) -> str:
        """Have the sizes set; returns the id of the deploy that did so, "" where none runs."""
        run = self._run
        self._show()
        asking = Asking(wishes_of(run.aws(), run.environment, self._world.group), self._wish)
        asking.ask()
        since = run.clock.now()

        def looks_on(holder: Holder) -> None:
            asking.heard(self._left())
            what = f"{holder.reason} of {holder.owner} to take the sizes up, or to end"
            run.output.waiting(what, since, since + run.wait)

        try:
            with locked(run, new_deploy_id(since), looks_on) as lease:
                asking.still_mine()
                lease.check()
                self._set(asking.wish, self._left(), lease.token)
        except NotItsTurn:
            # The deploy looks at this group's sizes anew when it comes to it; nothing of its is in them now.
            self._set(asking.wish, None, None)
        except TakenUp as found:
            if found.taken.refusal:
                seen = f"{found.deploy} answered: {found.taken.refusal}"
                raise UsageError(
                    f"scale {self._where}", seen, "The deploy goes on with the sizes that there were"
                ) from None
            return found.deploy
        except BaseException:
            asking.withdraw()
            raise
        return ""

    def _set(self, wish: Wish, left: Left | None, fence: int | None) -> None:
        run = self._run
        group = self._world.observe_group()
        checked(wish, group, intended(group, left))
        ledger = ledger_of(run.aws(), run.environment, fence)
        set_sizes(self._world, group, wish, run.clock.now(), left=left, ledger=ledger)

    def see_in(self, by: str) -> str:
        """Wait until the servers are in service; returns the line that says so.

        Raises `RolloutFailed` when they are not after the config's slot_deadline; the group goes on trying.
        """
        run, pace = self._run, pace_of(self._run.environment)
        since = run.clock.now()
        until = since + run.environment.rollout.slot_deadline
        while True:
            group = self._world.observe_group()
            serving = sum(serves(member, group) for member in group.members)
            alive = sum(member.lifecycle in ALIVE for member in group.members)
            if serving >= self._after.desired and alive <= max(group.desired, self._after.desired):
                return f"{serving} servers in service; {self.line(by)}"
            seen = f"{serving} of {self._after.desired} servers serve, {alive} exist"
            if run.clock.now() > until:
                seen = f"{seen} after {until - since:.0f} s; desired capacity is {group.desired}"
                raise RolloutFailed(
                    f"see {self._where} scaled", seen, "AWS goes on trying: see fab describe for the reasons"
                )
            run.output.waiting(f"web servers: {seen}", since, until)
            run.clock.sleep(pace.pause(changed=False))

    def line(self, by: str) -> str:
        """Return what was set, in one line."""
        sizes, configured = self._after, self._run.environment
        text = f"{self._world.group}: desired {sizes.desired} (between {sizes.minimum} and {sizes.maximum})"
        if by:
            text += f", set by the deploy {by}, which goes on"
        if (sizes.minimum, sizes.maximum) != (configured.minimum, configured.maximum):
            text += (
                f". The config says between {configured.minimum} and {configured.maximum}: "
                "write these there to keep them when it changes"
            )
        return text

    def _show(self) -> None:
        rows = [
            (name, str(getattr(self._before, name)), str(getattr(self._after, name)))
            for name in ("minimum", "desired", "maximum")
        ]
        self._run.output.table(("servers", "before", "after"), rows)

    def _left(self) -> Left | None:
        """Return the newest deploy that has not ended, if this group is one of its."""
        run, group = self._run, self._first_seen
        found = ledger_of(run.aws(), run.environment).unfinished(run.environment.deployment, run.environment.name)
        stack_group = run.environment.names.stack_group
        intents = [intent for each in found for intent in each.intents]
        templates = {each.group or stack_group: each.previous.partition(":")[0] for each in intents}
        templates[group.name] = group.launch_config.partition(":")[0]
        return left_of(group.name, of_groups_that_are_there(found, templates, stack_group))


def _named(run: Run, group: str) -> str:
    known = run.environment.names.auto_scaling_groups
    if group and group not in known:
        raise UsageError(
            f"scale {group}", "the config names no such group of web servers", nearest(group, known, "groups")
        )
    return group or run.environment.names.stack_group
