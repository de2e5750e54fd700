"""Rules for workers and migrations.

Every worker stops first, gets the release, one of them migrates, then all start: no job of one release meets the
schema of a migration under way. Where there are no workers, a web server gets the release beside the one that it
serves, and migrates. Going back, workers return to the release before; migrations are never undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from .deciding import act, think, wait
from .model import Group, Intent, Lifecycle, Migration, Order, Phase, Worker, WorkerPhase
from .situation import Situation, listed
from .steps import InstallRelease, Plan, RunMigrations, StartWorker, Step, StopWorker, SwitchWorkerConfig


def workers_first(s: Situation) -> Plan | None:
    """Bring workers to the release, and migrate, before servers."""
    return _workers(s) if s.intent.order is Order.FIRST and not s.going_back else None


def workers_last(s: Situation) -> Plan | None:
    """Bring workers to the release after servers, which is also when they go back."""
    return _workers(s) if s.intent.order is not Order.NEVER else None


def _workers(s: Situation) -> Plan | None:
    """Take the next step with workers; None when all run the release."""
    workers, intent = s.raw.workers, s.intent
    if not intent.release:
        return None
    awaited = _awaited(s)
    if awaited:
        return _await_workers(s, awaited)
    if intent.workers_since is not None:
        return think(replace(intent, workers_since=None))
    if not workers and s.raw.migrator and _to_migrate(intent):
        return _on_server(s, s.raw.migrator)
    if all(worker.phase is WorkerPhase.RUNNING for worker in workers):
        return _renew_group(s)
    return _bring_along(s, workers)


def who_migrates(group: Group, intent: Intent) -> str:
    """Return the id of the server that migrates: the intent's, or else the lowest that serves.

    Where migrations come last it is a new one: old ones may be from before their group was adopted.
    """
    able = [each for each in group.members if intent.order is not Order.LAST or each.launch_config == intent.target]
    serving = sorted(member.id for member in able if member.lifecycle is Lifecycle.IN_SERVICE)
    return intent.migrator if intent.migrator in serving else next(iter(serving), "")


def _to_migrate(intent: Intent) -> bool:
    return intent.migrates and not intent.migrated and intent.phase is Phase.ROLLING


def _on_server(s: Situation, server: Worker) -> Plan:
    """Migrate on a web server that goes on serving what it serves."""
    if server.migration is Migration.RUNNING:
        return _await_migrations(s, server.id)
    before = s.intent.migrator
    if before and before != server.id and _asked_at(s, "migrate") is not None:
        text = f"{before} is gone, which ran migrations of {s.intent.release}: how far they came is not known"
        return think(replace(s.intent, trouble=text))
    if before != server.id:
        return think(replace(s.intent, migrator=server.id))
    if server.phase is not WorkerPhase.INSTALLED:
        reason = f"there are no workers: {server.id} is to migrate for all"
        return _each(s, [server], "install", lambda each: InstallRelease(reason, each.id, s.intent.release))
    return _migrate(s, server, f"there are no workers; {server.id} migrates for all")


def _await_migrations(s: Situation, names: str) -> Plan:
    since = _asked_at(s, "migrate")
    return wait(s, f"migrations run on {names}", s.now if since is None else since)


def _bring_along(s: Situation, workers: tuple[Worker, ...]) -> Plan:
    intent = s.intent
    running = tuple(each.id for each in workers if each.migration is Migration.RUNNING)
    if running:
        return _await_migrations(s, listed(running))
    by_phase = {phase: [each for each in workers if each.phase is phase] for phase in WorkerPhase}
    if by_phase[WorkerPhase.OLD]:
        return _each(s, by_phase[WorkerPhase.OLD], "stop", _stop)
    if by_phase[WorkerPhase.STOPPED]:
        return _each(s, by_phase[WorkerPhase.STOPPED], "install", lambda w: _install(w, intent.release))
    installed = by_phase[WorkerPhase.INSTALLED]
    if _to_migrate(intent):
        chosen = min(installed, key=lambda worker: worker.id)
        return _migrate(s, chosen, f"all workers have stopped; {chosen.id} migrates for all")
    return _each(s, installed, "start", lambda w: _start(w, intent.release))


def _awaited(s: Situation) -> str:
    """Say who has to be seen before anything is done with workers or for want of them; "" when nobody."""
    if s.raw.workers_unseen:
        return "; ".join(f"{name} does not answer ({why})" for name, why in s.raw.workers_unseen)
    missing = s.raw.workers_wanted - len(s.raw.workers)
    if missing > 0 and _to_migrate(s.intent):
        return f"{missing} of {s.raw.workers_wanted} workers have yet to come"
    nobody = not s.raw.workers and s.raw.migrator is None
    if nobody and s.intent.servers and s.expected and _to_migrate(s.intent):
        return f"there are no workers, and no server of {s.group.name} is there to migrate"
    return ""


def _await_workers(s: Situation, why: str) -> Plan:
    """Wait for workers that their group has yet to launch, or that do not answer.

    Without one nobody migrates for the new servers, and one that nobody sees may run jobs on the schema of before.
    """
    since = s.intent.workers_since
    if since is None:
        return think(replace(s.intent, workers_since=s.now))
    if s.now - since > s.policy.worker_deadline:
        return think(replace(s.intent, trouble=f"{why} after {s.policy.worker_deadline:.0f} s", workers_since=None))
    return wait(s, why, since, s.policy.worker_deadline)


def _renew_group(s: Situation) -> Plan | None:
    """Let the workers' group launch what its workers run now: a worker that it replaces must not run the old code."""
    wanted, now = s.intent.worker_target, s.raw.worker_config
    if not wanted or not now or now == wanted:
        return None
    since = _asked_at(s, "worker config")
    if since is not None and s.now - since <= s.policy.read_lag:
        return wait(s, "the workers' group does not show its launch config yet", since, s.policy.read_lag)
    reason = f"workers run {s.intent.release}; their group moves from {now} to {wanted}"
    return act(s, SwitchWorkerConfig(reason, wanted))


def _stop(worker: Worker) -> Step:
    runs = worker.release or "another release"
    return StopWorker(f"{worker.id} runs {runs}: it finishes its job and takes no other", worker.id)


def _install(worker: Worker, release: str) -> Step:
    return InstallRelease(f"{worker.id} has stopped", worker.id, release)


def _start(worker: Worker, release: str) -> Step:
    return StartWorker(f"{release} is installed on {worker.id}", worker.id, release)


def _each(s: Situation, workers: Iterable[Worker], verb: str, step: Callable[[Worker], Step]) -> Plan:
    """Ask each worker once, then wait for it; one that takes too long is trouble."""
    asked = {worker.id: _asked_at(s, f"{verb} {worker.id}") for worker in workers}
    fresh = [step(worker) for worker in workers if asked[worker.id] is None]
    if fresh:
        return act(s, *fresh)
    since = min(at for at in asked.values() if at is not None)
    names = listed(tuple(asked))
    if s.now - since > s.policy.worker_deadline:
        text = f"asked to {verb}, {names} had not done so after {s.policy.worker_deadline:.0f} s"
        return think(replace(s.intent, trouble=text))
    return wait(s, f"{names} asked to {verb}", since, s.policy.worker_deadline)


def _migrate(s: Situation, worker: Worker, reason: str) -> Plan:
    """Migrate on one server. Asked once: a deployer that comes after us looks at the worker's status first."""
    since = _asked_at(s, "migrate")
    if since is None:
        return act(s, RunMigrations(reason, worker.id, s.intent.release))
    if s.now - since > max(s.policy.read_lag, 60.0):
        text = f"migrations of {s.intent.release} on {worker.id} left no status for {s.now - since:.0f} s"
        return think(replace(s.intent, trouble=text))
    return wait(s, f"migrations begin on {worker.id}", since)


def _asked_at(s: Situation, what: str) -> float | None:
    return next((asked.at for asked in s.intent.asked if asked.what == what), None)
