"""The embedded cloud's machines: real process trees behind the `Machines` contract. Linux only."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import FabscaleError, UsageError
from .contract import MachineSpec
from .machine.addresses import is_loopback, listening, wait_until_free
from .machine.boot import GRACE
from .machine.console import read
from .machine.folder import MARKER, Folder, Settings
from .machine.launch import start_module
from .machine.processes import descendants, end_all, marked
from .machine.short_path import release, shorten
from .metadata_server import MetadataServer
from .ssh.keys import SshFiles
from .ssh.server import SshServer

# Beyond the machine's own grace; a machine that does not end by itself is killed.
_PATIENCE = GRACE + 5.0


class AddressTakenError(FabscaleError):
    """Somebody listens on a machine's address: health of a left-over process would count as the machine's."""


@dataclass
class _Machine:
    """One machine and the process that it is; `changing` is held while it stops or reboots."""

    spec: MachineSpec
    folder: Folder
    process: subprocess.Popen[bytes]
    sweep: threading.Thread  # ends what a crash left; joined before the folder's next boot, which it would end too
    rebooting: bool = False
    stopped: bool = False
    changing: threading.Lock = field(default_factory=threading.Lock)


class ProcessMachines:
    """Machines below a state folder, which it has for itself; ends with its process, and takes every machine along.

    Raises UsageError where machines cannot be run, or when another process runs machines in the same folder.
    """

    def __init__(self, state: Path, *, endpoint_url: str, package: str | None = None) -> None:
        if sys.platform != "linux":
            raise UsageError("run the embedded cloud's machines", f"this is {sys.platform}", "Use Linux")
        self.state = state.resolve()
        instances = self.state / "instances"
        instances.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._state_lock = _lock(instances)
        self._instances = shorten(instances)
        self._endpoint_url = endpoint_url
        self._package = package or (__package__ or "").partition(".")[0]
        self._machines: dict[str, _Machine] = {}
        self._lock = threading.Lock()
        self._files = SshFiles(self.state)
        self._files.create()
        self._clear_leftovers()
        self._metadata = MetadataServer()
        self._ssh = SshServer(self.state, self._package)

    def start(self, spec: MachineSpec) -> None:
        """Start a machine; raises AddressTakenError while anybody listens on its address."""
        if not is_loopback(spec.address):
            raise UsageError(f"start machine {spec.id}", f"{spec.address} is not a loopback address")
        if ports := listening(spec.address):
            raise _taken(f"start machine {spec.id}", spec.address, ports)
        folder = Folder(self.folder(spec.id))
        settings = Settings(spec.id, spec.address, spec.region, self._endpoint_url, spec.boot_seconds)
        folder.create(settings, spec.user_data)
        try:
            self._metadata.add(spec)
        except OSError as error:
            shutil.rmtree(folder.path)
            raise AddressTakenError(f"start machine {spec.id}", f"{spec.address}: {error}") from error
        with self._lock:
            self._machines[spec.id] = _Machine(spec, folder, *self._launch(folder))
            self._files.know(machine.spec.address for machine in self._machines.values())
        self._ssh.add(folder.path)

    def reboot(self, machine: str) -> None:
        """Stop and boot again in the background; a machine that is unknown or stopped is left alone."""
        if (found := self._machines.get(machine)) and not found.stopped:
            found.rebooting = True
            threading.Thread(target=self._reboot, args=(found,), name=f"reboot-{machine}", daemon=True).start()

    def stop(self, machine: str) -> None:
        """End a machine; raises AddressTakenError if somebody still listens on its address after ten seconds."""
        if not (found := self._machines.get(machine)):
            return
        self._ssh.remove(found.folder.path)
        with found.changing:
            found.stopped, found.rebooting = True, False
            self._end(found)
        self._metadata.remove(machine)
        if ports := wait_until_free(found.spec.address, within=10.0):
            raise _taken(f"say that machine {machine} is gone", found.spec.address, ports)

    def crash(self, machine: str) -> None:
        """Kill a machine as a power cut does; its folder and its address stay its own."""
        if found := self._machines.get(machine):
            found.process.kill()

    def forget(self, machine: str) -> None:
        self.stop(machine)
        with self._lock:
            if found := self._machines.pop(machine, None):
                shutil.rmtree(found.folder.path, ignore_errors=True)
            self._files.know(other.spec.address for other in self._machines.values())

    def running(self, machine: str) -> bool:
        found = self._machines.get(machine)
        return found is not None and not found.stopped and (found.rebooting or found.process.poll() is None)

    def folder(self, machine: str) -> Path:
        """Return where a machine's files are, whether it runs or not."""
        return self._instances / machine

    def console(self, machine: str) -> str:
        found = self._machines.get(machine)
        return read(found.folder.console) if found else ""

    def retag(self, machine: str, tags: Mapping[str, str]) -> None:
        self._metadata.retag(machine, tags)

    def close(self) -> None:
        """End all machines as a power cut does, and the servers; the machines' folders stay."""
        for machine in list(self._machines):
            self.crash(machine)
        with ThreadPoolExecutor(16) as several, contextlib.suppress(AddressTakenError):
            list(several.map(self.stop, list(self._machines)))
        self._ssh.close()
        self._metadata.close()
        release(self._instances)
        self._state_lock.close()

    def __enter__(self) -> ProcessMachines:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _launch(self, folder: Folder) -> tuple[subprocess.Popen[bytes], threading.Thread]:
        with (folder.path / "machine.log").open("ab") as log:
            process = start_module(
                f"{self._package}.localcloud.machine", [str(folder.path)], log, {MARKER: str(folder.path)}
            )
        # What a machine leaves behind that was itself killed is swept up at once: nothing of it lives on.
        sweep = threading.Thread(target=_sweep_after, args=(process, folder), daemon=True)
        sweep.start()
        return process, sweep

    def _reboot(self, machine: _Machine) -> None:
        with machine.changing:
            if machine.stopped or not machine.rebooting:
                return
            self._end(machine)
            machine.process, machine.sweep = self._launch(machine.folder)
            machine.rebooting = False

    def _end(self, machine: _Machine) -> None:
        process = machine.process
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            end_all(lambda: descendants(process.pid))
            process.kill()
            process.wait()
        machine.sweep.join()
        if process.stdin:
            process.stdin.close()
        end_all(_within(lambda path: path == str(machine.folder.path)))

    def _clear_leftovers(self) -> None:
        """End and remove what an embedded cloud that died left in the folder."""
        end_all(_within(lambda path: Path(path).parent == self._instances))
        for folder in self._instances.iterdir():
            if folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)


def _within(accepts: Callable[[str], bool]) -> Callable[[], set[int]]:
    return lambda: marked(lambda environment: accepts(environment.get(MARKER, "")))


def _sweep_after(process: subprocess.Popen[bytes], folder: Folder) -> None:
    process.wait()
    if process.returncode != 0:
        end_all(_within(lambda path: path == str(folder.path)))


def _taken(cannot: str, address: str, ports: set[int]) -> AddressTakenError:
    seen = f"somebody listens on {address}, port {', '.join(map(str, sorted(ports)))}"
    return AddressTakenError(cannot, seen, "End that process, or use another address")


def _lock(folder: Path) -> contextlib.ExitStack:
    """Take the folder for this process, until closed or dead; raises UsageError when another one has it."""
    held = contextlib.ExitStack()
    file = held.enter_context((folder / ".lock").open("w"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        raise UsageError(
            f"run machines in {folder}", "another embedded cloud runs there", "Stop it with `fab local_down`"
        ) from None
    return held
