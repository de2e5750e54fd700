"""Migrations where there are no workers: one web server runs them, through the server program, and goes on serving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..aws import ec2
from ..aws.session import Aws
from ..config.environment import Environment
from ..rollout.model import Group, Intent, Lifecycle, Migration, Phase, Worker, WorkerPhase
from ..rollout.workers import who_migrates
from ..transports.contract import Transport
from .workers import Documents, SeenWorkers, SshServers, answered, seen_workers, worker_from_status

_COMING = frozenset({Lifecycle.PENDING, Lifecycle.IN_SERVICE})


class WebMigrator(SshServers):
    """The web server that migrates for all of its group."""

    def observe(self, group: Group, intent: Intent) -> Worker | None:
        """Return the server that migrates, as it is with the intent's release; None when nothing is to migrate.

        Raises `Unreachable` when it does not answer.
        """
        if intent.migrated or not intent.migrates or intent.phase is not Phase.ROLLING:
            return None
        chosen = who_migrates(group, intent)
        found = ec2.instances(self._aws, [chosen]).values() if chosen else ()
        for server, result in self._ask(found, intent.release).items():
            return seen_from(server, answered(server, "see the server that migrates", result), intent.release)
        return None


class FirstServers(SshServers):
    """The first web servers of a new environment: one that came up migrates, ready to serve or not."""

    def __init__(
        self, aws: Aws, environment: Environment, transport: Transport, document: Documents, look: Callable[[], Group]
    ) -> None:
        super().__init__(aws, environment, transport, document)
        self._look = look

    def observe(self, release: str) -> SeenWorkers:
        """Return those that answer, one that has begun to migrate before the others."""
        ids = sorted(member.id for member in self._look().members if member.lifecycle in _COMING)
        seen = seen_workers(self._ask(ec2.instances(self._aws, ids).values(), release), release)
        order = sorted(seen.workers, key=lambda each: (each.migration is Migration.NONE, each.id))
        return replace(seen, workers=tuple(order))


def seen_from(server: str, status: Mapping[str, Any], release: str) -> Worker:
    """Read a web server's status: it serves whatever it serves, and has the release installed or not."""
    installed: Sequence[str] = status.get("installed", ())
    phase = WorkerPhase.INSTALLED if release in installed else WorkerPhase.STOPPED
    return replace(worker_from_status(server, status, release), phase=phase)
