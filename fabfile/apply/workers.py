"""The environment's workers, seen and changed through the server program that runs on each of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..aws import ec2
from ..aws.session import Aws
from ..config.environment import Environment
from ..errors import Unreachable
from ..rollout.model import Migration, Worker, WorkerPhase
from ..rollout.steps import InstallRelease, RunMigrations, StartWorker, StopWorker
from ..transports.contract import Result, Transport
from .program import calling_program
from .world import Outcome

_LOOK_SECONDS = 30.0
_INSTALL_SECONDS = 900.0

Documents = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True)
class SeenWorkers:
    """The workers that answered, and those that did not, each with the reason."""

    workers: tuple[Worker, ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()


class NoWorkers:
    """An environment, or a deploy, without workers."""

    def observe(self, release: str) -> SeenWorkers:
        return SeenWorkers()

    def apply(self, step: StopWorker | InstallRelease | RunMigrations | StartWorker) -> Outcome:
        raise TypeError(f"there are no workers for {type(step).__name__}")


class SshServers:
    """Servers of one role, through the program that runs on each. `document` gives a release's server.json for them."""

    def __init__(self, aws: Aws, environment: Environment, transport: Transport, document: Documents) -> None:
        self._aws = aws
        self._environment = environment
        self._transport = transport
        self._document = document
        self._hosts: dict[str, str] = {}  # instance id → the address that we reach it by, as seen last

    def _ask(self, found: Iterable[ec2.Instance], release: str) -> Mapping[str, Result]:
        """Ask all of them at once for their status in relation to a release; returns the answers by instance id."""
        attribute = self._environment.ssh_attribute
        self._hosts = {each.id: each.addresses[attribute] for each in found if each.addresses.get(attribute)}
        hosts = list(self._hosts.values())
        asked = calling_program("status", "--release", release)
        answers = self._transport.run(hosts, asked, timeout=_LOOK_SECONDS)
        return dict(zip(self._hosts, answers, strict=True))

    def apply(self, step: StopWorker | InstallRelease | RunMigrations | StartWorker) -> Outcome:
        """Take one step on one server; its program takes none twice, so that repeating is harmless."""
        match step:
            case StopWorker():
                return self._call(step.worker, "stop-worker", "--limit", "0")
            case InstallRelease():
                given = json.dumps(self._document(step.release)).encode()
                return self._call(step.worker, "install", "-", given=given)
            case RunMigrations():
                return self._call(step.worker, "migrate", "--release", step.release, "--again")
            case StartWorker():
                return self._call(step.worker, "start-worker", "--release", step.release)

    def _call(self, server: str, verb: str, *arguments: str, given: bytes | None = None) -> Outcome:
        if server not in self._hosts:
            raise Unreachable(f"{verb} {server}", "it is gone", "Its group launches another one")
        hosts, command = [self._hosts[server]], calling_program(verb, *arguments)
        (result,) = self._transport.run(hosts, command, input=given, timeout=_INSTALL_SECONDS)
        if result.error:
            raise Unreachable(f"{verb} {server}", result.error, "Is it up, and does SSH reach it?")
        return Outcome() if result.ok else Outcome(refusal=_last_line(result))


class SshWorkers(SshServers):
    """Workers, found by their Name tag."""

    def observe(self, release: str) -> SeenWorkers:
        """Return every worker; one that does not answer hides no other."""
        found = ec2.instances_tagged(self._aws, {"Name": self._environment.names.worker})
        answers = self._ask(found, release)
        unseen = tuple((each.id, "it has no address yet") for each in found if each.id not in answers)
        seen = seen_workers(answers, release)
        return SeenWorkers(seen.workers, (*unseen, *seen.unseen))


def seen_workers(answers: Mapping[str, Result], release: str) -> SeenWorkers:
    """Return what servers answered, by their ids, in relation to a release."""
    read = {name: status_of(result) for name, result in answers.items()}
    return SeenWorkers(
        tuple(worker_from_status(name, status, release) for name, (status, why) in read.items() if not why),
        tuple((name, why) for name, (_, why) in read.items() if why),
    )


def worker_from_status(worker: str, status: Mapping[str, Any], release: str) -> Worker:
    """Read what a worker's `status --release` says of it in relation to a release."""
    runs = [str(each.get("release", "")) for each in status.get("programs", {}).values()]
    current = next(filter(None, runs), str(status.get("release", "")))
    migration, detail = _migration(status.get("migrations", {}), release)
    return Worker(worker, WorkerPhase(status.get("phase", "stopped")), current, migration, detail)


def fetch_static(transport: Transport, servers: Mapping[str, str], document: Mapping[str, Any]) -> Mapping[str, str]:
    """Let running servers, ids with the address of each, fetch static files; returns the ids of those that could not.

    Each with the reason. One without an address is not asked: "" means this machine to a resolver.
    """
    given = json.dumps(document).encode()
    reached = {name: address for name, address in servers.items() if address}
    hosts = list(reached.values())
    results = transport.run(hosts, calling_program("static", "-"), input=given, timeout=_INSTALL_SECONDS)
    failed = {name: _last_line(result) for name, result in zip(reached, results, strict=True) if not result.ok}
    return {**dict.fromkeys(servers.keys() - reached.keys(), "it has no address"), **failed}


def _migration(found: Mapping[str, Mapping[str, Any]], release: str) -> tuple[Migration, str]:
    """A migration that runs counts whichever release it belongs to."""
    if any(each.get("state") == "running" for each in found.values()):
        return Migration.RUNNING, ""
    ours = found.get(release, {})
    tail = str(ours.get("log_tail", "")).strip().splitlines()
    return Migration(str(ours.get("state", "none"))), tail[-1] if tail else ""


def answered(worker: str, what: str, result: Result) -> Mapping[str, Any]:
    """Return what a server's program answered; raises `Unreachable` when it did not."""
    status, why = status_of(result)
    if why:
        raise Unreachable(f"{what} {worker}", why, "Is it up, and does SSH reach it?")
    return status


def status_of(result: Result) -> tuple[Mapping[str, Any], str]:
    """Return a server's status, or why there is none."""
    if not result.ok:
        return {}, _last_line(result)
    try:
        answer = json.loads(result.out)
    except ValueError:
        answer = None
    return (answer, "") if isinstance(answer, dict) else ({}, f"it answered {result.out[:100]!r}")


def _last_line(result: Result) -> str:
    lines = (result.error or result.err or result.out).strip().splitlines()
    return lines[-1] if lines else f"exit code {result.exit}"
