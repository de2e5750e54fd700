"""What happens at every boot: install, start, gate, run on; and what is told to the group and to the console."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

from .appenv import keep_secrets, redacted
from .calls import Services
from .document import Document
from .failures import OutOfReachError, ServerError
from .gate import Gate, Verdict
from .health import Answer, ask, taken
from .install import Installer, prune, switch
from .layout import Layout, read_json, write
from .lifecycle import LaunchHook
from .metadata import Metadata
from .processes import log_tail, start_supervisord
from .supervisor_client import Program, Supervisor

ABANDONED = 3  # exit code: the unit is not started again after it
_LOOK_EVERY = 0.25  # seconds
_KILLED_AFTER = 10.0  # seconds beyond the application's own stop time


def boot(layout: Layout) -> int:
    """Make this machine a server and stay until it is told to stop; the exit code is 0 only for that."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    layout.make()
    metadata = Metadata.from_environ()
    wanted = layout.wanted()
    machine = {"instance": metadata.get("instance-id"), "address": metadata.get("local-ipv4")}
    services = Services.from_environ(wanted.region, metadata)
    hook = LaunchHook(services, machine["instance"], wanted.group, wanted.hook)
    first = read_json(layout.run / "ready.json").get("instance") != machine["instance"]
    with hook.kept_alive():
        try:
            write(layout.run / "machine.json", json.dumps(machine))
            document = prepare(layout, wanted, services)
            server = _Server(layout, document, machine["address"], stopping)
            server.start()
        except (ServerError, OSError) as error:
            return _abandon(hook, str(error))
        verdict = server.gate()
        if verdict is Verdict.FAILED and first:
            tail = redacted(layout, document.release, log_tail(layout, document.program))
            say(f"the last of {document.program}.log:\n{tail}")
            code = _abandon(hook, server.reason)
            server.stop()
            return code
    if verdict is Verdict.READY:
        say(f"release {document.release} is ready")
        say(hook.complete("CONTINUE") if first else "it was in service before: nobody is told")
        write(layout.run / "ready.json", json.dumps(machine))
    elif verdict is Verdict.FAILED:
        say(f"not ready after a reboot: {server.reason}. The balancer's own health check decides.")
    return server.run_on()


def prepare(layout: Layout, wanted: Document, services: Services) -> Document:
    """Install what this server is to run and switch to it; returns the release that is to be started.

    When the store is out of reach, a release that is complete on the disk is started instead, the wanted one if it is
    there, and the console says so. A store that answers, but not with the release, raises ServerError.
    """
    with layout.locked():
        try:
            if wanted.release in layout.installed():
                keep_secrets(layout, wanted, services)
            else:
                Installer(layout, services).install(wanted)
        except OutOfReachError as error:
            return _fall_back(layout, wanted, error)
        switch(layout, wanted)
        prune(layout, wanted.keep)
        return wanted


def _fall_back(layout: Layout, wanted: Document, error: OutOfReachError) -> Document:
    here = layout.linked(layout.current)
    installed = layout.installed()
    release = wanted.release if wanted.release in installed else here
    if release not in installed:
        raise error
    say(f"{error} Starting release {release}, which is on the disk (wanted: {wanted.release}).")
    document = layout.record(release)
    if release == wanted.release:
        switch(layout, wanted)
    return document


@dataclass
class _Server:
    """The processes of one boot."""

    layout: Layout
    document: Document
    address: str
    stopping: threading.Event
    process: subprocess.Popen[bytes] | None = None
    reason: str = ""

    def start(self) -> None:
        """Start supervisord; raises ServerError when somebody else answers on the application's port."""
        if self.document.program == "web" and taken(self.address, self.document.port):
            raise ServerError(
                "start the application",
                f"something listens on {self.address}:{self.document.port} already",
                "Its answers would pass for the new application's",
            )
        self.process = start_supervisord(self.layout, self.document)

    def gate(self) -> Verdict:
        """Watch until the application is ready, has failed, or the server is told to stop."""
        gate = Gate(self.document.min_healthy_time, self.document.gate_timeout, time.monotonic())
        supervisor = Supervisor(self.layout)
        said = ""
        while not self.stopping.wait(min(_LOOK_EVERY, self.document.min_healthy_time / 4 + 0.01)):
            if self.ended():
                self.reason = "supervisord ended"
                return Verdict.FAILED
            try:
                program = supervisor.program(self.document.program)
            except ServerError:
                program = Program("STARTING", 0, "supervisord does not answer yet")
            verdict = gate.look(time.monotonic(), program, self._health())
            self.reason = gate.reason
            if verdict is not Verdict.WAIT:
                return verdict
            if gate.reason != said:
                said = gate.reason
                say(f"waiting: {said}")
        return Verdict.WAIT

    def _health(self) -> Answer:
        if self.document.program == "web":
            return ask(self.address, self.document.port, self.document.health)
        return Answer(True)  # a worker has no port: running is all that can be asked of it

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def run_on(self) -> int:
        """Stay until supervisord ends (an error) or the server is told to stop."""
        while not self.stopping.wait(1.0):
            if self.ended():
                say("supervisord ended; the server with it")
                return 1
        self.stop()
        return 0

    def stop(self) -> None:
        """Let the application finish what it does, and end; kill what does not end in its time."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(self.document.stop_seconds + _KILLED_AFTER)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _abandon(hook: LaunchHook, reason: str) -> int:
    say(f"this server will not come into service: {reason}")
    say(hook.complete("ABANDON"))
    return ABANDONED


def say(text: str) -> None:
    """Write to standard output, which is the machine's console."""
    for line in text.splitlines():
        sys.stdout.write(f"fabscale: {line}\n")
    sys.stdout.flush()
