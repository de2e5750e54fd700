"""Send one command to many servers, show what they say while it runs, and how it ended on each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..apply.servers import Server, choose, servers_of
from ..errors import CommandFailed, Unreachable, UsageError
from ..transports.contract import Line, Result

if TYPE_CHECKING:
    from ..transports.contract import Follower
    from .run import Run

OLD_PROGRAM = "its server program is older than this command; servers of the next release have a newer one"
_HEADINGS = ("server", "role", "address", "exit", "seconds", "last line")


@dataclass(frozen=True)
class Command:
    """What is sent: an argument list, its standard input, and how long and on how many servers at a time it may run.

    `afterwards` says what becomes of it on a server when nobody waits for it any more.
    """

    argv: tuple[str, ...]
    given: bytes = b""
    timeout: float = 600.0
    at_once: int = 10
    afterwards: str = "Where it still ran it is ended"


@dataclass(frozen=True)
class Ended:
    """How it ended on one server."""

    server: Server
    result: Result

    @property
    def last_line(self) -> str:
        """Why it failed, or else the last that the server said."""
        said = (self.result.error or self.result.err or self.result.out).strip().splitlines()
        return said[-1] if said else ""

    @property
    def why(self) -> str:
        """What to say of a failure, in few words."""
        if self.result.error:
            return f"{self.server.id}: {self.result.error}"
        if self.result.exit == 2 and "invalid choice" in self.result.err:
            return f"{self.server.id}: {OLD_PROGRAM}"
        return f"{self.server.id}: exit code {self.result.exit}"


def chosen_servers(run: Run, roles: str, instance: str) -> tuple[Server, ...]:
    """Return the servers that were named, or all; raises `UsageError` when none of them is up."""
    environment = run.environment
    choice = choose(run.task, environment, roles, instance)
    servers = servers_of(run.aws(), environment, choice)
    if not servers:
        raise UsageError(
            f"run {run.task}", f"no such server of {environment.place} is up", f"See fab describe:{environment.place}"
        )
    return servers


def check_pace(run: Run, parallel: int, timeout: float) -> None:
    """Raise `UsageError` for numbers with which nothing could run."""
    for name, number in (("parallel", parallel), ("timeout", timeout)):
        if number <= 0:
            raise UsageError(f"run {run.task}", f"--{name} is {number:g}", "Give a number above 0, or leave it out")


def carry_out(run: Run, transport: Follower, servers: Sequence[Server], command: Command) -> None:
    """Run a command, pass on what servers write, and tell how it ended on each; raises unless it ended well on all."""
    several = len(servers) > 1

    def pass_on(server: Server, line: Line) -> None:
        text = f"{server.id} | {line.text}" if several else line.text
        run.output.passed_on(text, error=line.error or run.json)

    ended = follow(run, transport, servers, command, pass_on)
    if run.json:
        run.output.json([_told(each) for each in ended])
    elif several:
        run.output.summary(_HEADINGS, [_row(each) for each in ended])
    hold(run, ended)


def follow(
    run: Run,
    transport: Follower,
    servers: Sequence[Server],
    command: Command,
    hear: Callable[[Server, Line], None],
) -> list[Ended]:
    """Run a command on servers and return how it ended on each, in their order.

    Raises `CommandFailed` when interrupted.
    """
    at = {server.address: server for server in servers if server.address}
    ended = {server.id: Result("", -1, error="it has no address") for server in servers if not server.address}
    since = run.clock.now()
    said = transport.follow(
        list(at), command.argv, input=command.given, timeout=command.timeout, at_once=command.at_once
    )
    try:
        with closing(said):
            for each in said:
                if isinstance(each, Line):
                    hear(at[each.host], each)
                elif isinstance(each, Result):
                    ended[at[each.host].id] = each
                else:
                    run.output.waiting(_left(servers, ended), since)
    except KeyboardInterrupt:
        raise CommandFailed(
            f"finish {run.task}",
            f"it was interrupted, and had ended on {len(ended)} of {len(servers)} servers",
            command.afterwards,
        ) from None
    return [Ended(server, ended[server.id]) for server in servers]


def hold(run: Run, ended: Sequence[Ended], left: Sequence[Server] = ()) -> None:
    """Raise `Unreachable` for servers that were not reached, or else `CommandFailed` for those where it failed.

    `left` are those whose turn did not come after that.
    """
    failed = [each for each in ended if not each.result.ok]
    if not failed:
        return
    what = f"run {run.task} on {len(failed)} of {len(ended) + len(left)} servers"
    seen = "; ".join(each.why for each in failed)
    alone = f"Left alone: {', '.join(server.id for server in left)}. " if left else ""
    if any(not each.result.reached for each in failed):
        look = f"Are they up, and does SSH reach them? See fab describe:{run.environment.place}"
        raise Unreachable(what, seen, f"{alone}{look}")
    raise CommandFailed(what, seen, alone.rstrip(". "))


def _left(servers: Sequence[Server], ended: dict[str, Result]) -> str:
    left = [server.id for server in servers if server.id not in ended]
    more = f" and {len(left) - 3} more" if len(left) > 3 else ""
    return f"{', '.join(left[:3])}{more}"


def _row(each: Ended) -> tuple[str, ...]:
    server, result = each.server, each.result
    code = str(result.exit) if result.reached else "–"
    return (server.id, server.role, server.address, code, f"{result.seconds:.1f}", each.last_line)


def _told(each: Ended) -> dict[str, object]:
    server, result = each.server, each.result
    return {
        "server": server.id,
        "role": server.role,
        "group": server.group,
        "address": server.address,
        "exit": result.exit if result.reached else None,
        "seconds": result.seconds,
        "out": result.out,
        "err": result.err,
        "error": result.error,
    }
