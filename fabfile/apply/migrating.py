"""Run the live release's migrations once more, on one server, and wait for their end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import CommandFailed, Unreachable, UsageError
from ..transports.contract import Transport
from .program import calling_program
from .servers import Server
from .workers import status_of
from .world import Clock

_LOOK_SECONDS = 30.0
_LOOK_EVERY = 1.0
_LOOKS_LOST = 10  # in a row, after which nobody knows how they are


@dataclass(frozen=True)
class Chosen:
    """Which server is to migrate which release; `runs` when it does so already."""

    server: Server
    release: str
    runs: bool


class Migrating:
    """Migrations of one environment, through the program on its servers."""

    def __init__(self, transport: Transport, clock: Clock, waiting: Callable[[str], None]) -> None:
        self._transport = transport
        self._clock = clock
        self._waiting = waiting

    def choose(self, servers: Sequence[Server]) -> Chosen:
        """Return the first server that answers, or one that migrates already; workers come before web servers.

        Raises `Unreachable` when none answers, `UsageError` when it has no release.
        """
        roles = {server.role for server in servers}
        candidates = [server for server in servers if server.address and ("worker" not in roles or _works(server))]
        asked = calling_program("status")
        results = self._transport.run([each.address for each in candidates], asked, timeout=_LOOK_SECONDS)
        answers = [(each, *status_of(result)) for each, result in zip(candidates, results, strict=True)]
        found = [_chosen(server, status) for server, status, why in answers if not why]
        if not found:
            seen = "; ".join(f"{server.id}: {why}" for server, _, why in answers) or "there is none that has an address"
            raise Unreachable("find a server that migrates", seen, "Is it up, and does SSH reach it?")
        chosen = next((each for each in found if each.runs), found[0])
        if not chosen.release:
            raise UsageError(f"migrate on {chosen.server.id}", "it has no release", "Deploy one")
        return chosen

    def run(self, chosen: Chosen) -> str:
        """Start the migrations unless they run, wait for their end, and return what they said last.

        Raises `CommandFailed` when they fail, `Unreachable` when their server is lost.
        """
        state = self._ask(chosen, "migrate", "--release", chosen.release, "--anew")
        lost = 0
        while state.get("state") == "running":
            self._waiting(f"the migrations of {chosen.release} on {chosen.server.id}")
            self._clock.sleep(_LOOK_EVERY)
            try:
                status = self._ask(chosen, "status", "--release", chosen.release)
            except Unreachable:
                lost += 1
                if lost == _LOOKS_LOST:
                    raise
                continue
            lost, state = 0, status["migrations"][chosen.release]
        tail = str(state.get("log_tail", "")).rstrip()
        if state.get("state") != "done":
            what = f"migrate {chosen.release} on {chosen.server.id}"
            raise CommandFailed(what, f"exit code {state.get('exit', 'unknown')}; the last of the log:\n{tail}")
        return tail

    def _ask(self, chosen: Chosen, *arguments: str) -> Mapping[str, Any]:
        (result,) = self._transport.run([chosen.server.address], calling_program(*arguments), timeout=_LOOK_SECONDS)
        answer, why = status_of(result)
        if why:
            raise Unreachable(
                f"{'see' if arguments[0] == 'status' else 'begin'} migrations on {chosen.server.id}",
                why,
                "Migrations that were begun go on there; the same command waits for them",
            )
        return answer


def _works(server: Server) -> bool:
    return server.role == "worker"


def _chosen(server: Server, status: Mapping[str, Any]) -> Chosen:
    running = [name for name, each in status.get("migrations", {}).items() if each.get("state") == "running"]
    return Chosen(server, running[0] if running else str(status.get("release", "")), bool(running))
