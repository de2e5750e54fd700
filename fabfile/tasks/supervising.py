"""What the tasks that restart share: what was typed, whose turn it is, how servers are after it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..apply.launch_configs import LaunchConfigMaker, release_of
from ..apply.program import calling_program
from ..apply.servers import Server
from ..apply.undertaking import new_deploy_id
from ..config.naming import nearest
from ..errors import UsageError
from ..locks.contract import Lease
from ..releases.server.supervising import ACTIONS
from .commanding import Command, Ended, check_pace, chosen_servers, follow, hold
from .wiring import locked, transport_of

if TYPE_CHECKING:
    from .run import Run

GROUPS = {"web": "web", "worker": "worker", "celery": "worker"}
_HEADINGS = ("server", "role", "state", "detail")


@dataclass(frozen=True)
class Action:
    """What supervisor is to do with which program: "restart", "web"."""

    command: str
    program: str

    @property
    def one_by_one(self) -> bool:
        """Whether servers take turns: those that users wait for do when they restart."""
        return self.command == "restart" and self.program == "web"


def parse(command: str, group: str, process: str) -> Action:
    """Return the action of `supervisor:command,group[,process]`; raises `UsageError` for what there is not."""
    usage = "Say fab ENVIRONMENT supervisor:restart,worker"
    for name, value in (("command", command), ("group", group)):
        if not value:
            raise UsageError("run supervisor", f"it was given no {name}", usage)
    if command not in ACTIONS:
        seen = f"{command!r} is none of its commands"
        raise UsageError("run supervisor", seen, nearest(command, ACTIONS, "commands"))
    if group not in GROUPS:
        seen = f"{group!r} is no group of processes"
        raise UsageError("run supervisor", seen, nearest(group, GROUPS, "groups"))
    if process not in ("", group, GROUPS[group]):
        raise UsageError(
            f"{command} the process {process!r} alone",
            "all processes of a server's group start and stop together",
            f"Leave it out: supervisor:{command},{group}",
        )
    return Action(command, GROUPS[group])


def live_release(run: Run, maker: LaunchConfigMaker, groups: Sequence[str]) -> str:
    """Return the release that web groups launch; raises `UsageError` when that is none, or not one."""
    live = {name: maker.live(name) for name in groups}
    releases = {name: release_of(config) if config else "" for name, config in live.items()}
    different = set(releases.values())
    if "" in different:
        without = ", ".join(name for name, release in releases.items() if not release)
        where = run.environment.place
        raise UsageError(f"run {run.task}", f"{without} runs no release yet", f"Deploy one: fab deploy_serial:{where}")
    if len(different) > 1:
        seen = ", ".join(f"{name} runs {release}" for name, release in releases.items())
        raise UsageError(f"run {run.task}", seen, "Say which are to restart: --groups NAME")
    return different.pop()


class Supervising:
    """One action on the servers of one program."""

    def __init__(self, run: Run, action: Action, parallel: int, timeout: float) -> None:
        check_pace(run, parallel, timeout)
        self._run = run
        self._action = action
        argv = calling_program("supervise", action.command, action.program)
        goes_on = f"Where it was begun it goes on: fab supervisor:status,{action.program} shows how it is"
        self._command = Command(argv, timeout=timeout, at_once=parallel, afterwards=goes_on)

    def carry_out(self, roles: str, instance: str) -> None:
        """Take the action and tell how each server is then; raises unless all did as they were told."""
        run, action = self._run, self._action
        servers = self._servers(roles, instance)
        if run.dry_run:
            for server in servers:
                run.output.result(f"would {action.command} {action.program} on {server.id} ({server.address})")
            return
        with self._guarded():
            ended = self._in_turn(servers) if action.one_by_one else self._at_once(servers)
        self._tell(ended)
        hold(run, ended, servers[len(ended) :])

    def _servers(self, roles: str, instance: str) -> tuple[Server, ...]:
        program = self._action.program
        found = chosen_servers(self._run, roles or ("" if instance else program), instance)
        servers = tuple(server for server in found if server.role == program)
        if not servers:
            seen = f"none of {', '.join(server.id for server in found)} runs {program}"
            raise UsageError(f"{self._action.command} {program}", seen, "Name other servers, or the other group")
        return servers

    def _guarded(self) -> AbstractContextManager[Lease | None]:
        """Nobody else deploys while processes are stopped and started; a look needs no lock."""
        run = self._run
        return nullcontext() if self._action.command == "status" else locked(run, new_deploy_id(run.clock.now()))

    def _at_once(self, servers: Sequence[Server]) -> list[Ended]:
        return follow(self._run, transport_of(self._run.environment), servers, self._command, lambda *_: None)

    def _in_turn(self, servers: Sequence[Server]) -> list[Ended]:
        """Go on only while all is well: one server that does not come back is enough."""
        ended: list[Ended] = []
        for server in servers:
            ended += self._at_once([server])
            if not ended[-1].result.ok:
                return ended
            self._run.output.progress(f"{server.id} is healthy again")
        return ended

    def _tell(self, ended: Sequence[Ended]) -> None:
        answers = [_answer(each) for each in ended]
        if self._run.json:
            self._run.output.json(answers)
            return
        rows = [tuple(str(answer[heading]) for heading in _HEADINGS) for answer in answers]
        self._run.output.table(_HEADINGS, rows)


def _answer(each: Ended) -> dict[str, Any]:
    told = {"server": each.server.id, "role": each.server.role, "state": "unknown", "pid": 0, "detail": ""}
    try:
        said = json.loads(each.result.out)
    except ValueError:
        said = {}
    if "error" in said:
        return {**told, "state": "failed", "detail": said["error"]}
    if not each.result.ok:
        return {**told, "detail": each.why.partition(": ")[2]}
    return {**told, **{key: said[key] for key in ("state", "pid", "detail") if key in said}}
