"""Simulated workers: they finish their jobs, get releases, migrate and start as time passes. Seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..rollout.model import Migration, Worker, WorkerPhase


@dataclass
class _State:
    release: str
    running: bool = True
    stops_at: float | None = None
    installed: set[str] = field(default_factory=set)


class SimulatedWorkers:
    """Workers of one environment and the migrations of its database."""

    def __init__(
        self,
        workers: tuple[str, ...] = (),
        release: str = "",
        job: float = 10.0,
        migration: float = 20.0,
        failing: str = "",
    ) -> None:
        self._states = {name: _State(release, installed={release}) for name in workers}
        self._servers: dict[str, set[str]] = {}  # releases on web servers, beside the ones that they serve
        self._job, self._migration, self._failing = job, migration, failing
        self._migrations: dict[str, tuple[str, float]] = {}  # release → (worker, when it ends)
        self.migrations_started: list[tuple[float, str]] = []  # (when, release), in order

    def seen(self, release: str, now: float) -> tuple[Worker, ...]:
        """Return the workers in relation to a release."""
        for state in self._states.values():
            if state.stops_at is not None and state.stops_at <= now:
                state.running, state.stops_at = False, None
        return tuple(
            Worker(name, self._phase(state, release), state.release, self._status(name, release, now))
            for name, state in self._states.items()
        )

    def server(self, name: str, release: str, now: float) -> Worker | None:
        """Return a web server as the one that migrates; None where there are workers to do it."""
        if self._states:
            return None
        phase = WorkerPhase.INSTALLED if release in self._servers.get(name, ()) else WorkerPhase.STOPPED
        return Worker(name, phase, migration=self._status(name, release, now))

    def _phase(self, state: _State, release: str) -> WorkerPhase:
        if state.running:
            return WorkerPhase.RUNNING if state.release == release else WorkerPhase.OLD
        return WorkerPhase.INSTALLED if release in state.installed else WorkerPhase.STOPPED

    def _status(self, name: str, release: str, now: float) -> Migration:
        for worker, ends in self._migrations.values():
            if worker == name and now < ends:
                return Migration.RUNNING
        if self._migrations.get(release, ("", 0.0))[0] != name:
            return Migration.NONE
        return Migration.FAILED if release == self._failing else Migration.DONE

    def stop(self, name: str, now: float) -> None:
        """Let a worker finish its job; asking again changes nothing."""
        state = self._states[name]
        if state.running and state.stops_at is None:
            state.stops_at = now + self._job

    def install(self, name: str, release: str) -> None:
        """Put a release beside those that are there."""
        state = self._states.get(name)
        (state.installed if state else self._servers.setdefault(name, set())).add(release)

    def migrate(self, name: str, release: str, now: float) -> None:
        """Start migrations, unless the status file says that they run or are done."""
        known = self._migrations.get(release)
        if known is not None and known[0] == name and (now < known[1] or release != self._failing):
            return
        self.migrations_started.append((now, release))
        self._migrations[release] = (name, now + self._migration)

    def start(self, name: str, release: str) -> None:
        """Start a worker on a release."""
        state = self._states[name]
        state.release, state.running, state.stops_at = release, True, None
