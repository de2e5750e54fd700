"""A server in a folder: a release that is a few lines of Python, run by the real program under a real supervisord."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fabfile.releases.user_data import build_server_program

from .cloud import Cloud

COMMANDS = {"start": "web", "worker": "worker", "migrate": "migrate"}
# A site that is healthy for as long as LIVES says, and dies; STATUS is what it answers.
SITE = """\
import http.server, os, threading, time
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(os.environ.get("STATUS", "200")))
        self.end_headers()
        self.wfile.write(os.environ["RELEASE"].encode())
print("the site starts with", os.environ.get("PASSWORD", "no password"), flush=True)
threading.Timer(float(os.environ.get("LIVES", "1000")), os._exit, (7,)).start()
http.server.ThreadingHTTPServer((os.environ["ADDRESS"], int(os.environ["PORT"])), Page).serve_forever()
"""
# A worker whose job takes until a file appears, whatever SIGTERM says.
WORKER = """\
import os, pathlib, signal, sys, time
ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
while not ending or (os.environ.get("JOB") and not pathlib.Path(os.environ["JOB"]).exists()):
    time.sleep(0.02)
"""
MIGRATE = """\
import os, pathlib, sys, time
log = pathlib.Path(os.environ["MIGRATED"])
with log.open("a") as file:
    file.write(os.environ["RELEASE"] + "\\n")
print("the password is", os.environ.get("PASSWORD", ""))
until = pathlib.Path(os.environ["UNTIL"]) if os.environ.get("UNTIL") else log
while not until.exists():
    time.sleep(0.02)
sys.exit(int(os.environ.get("MIGRATION_EXIT", "0")))
"""


def archive(files: Mapping[str, str]) -> bytes:
    """Return a .tar.gz of files by name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content.encode())
            tar.addfile(info, io.BytesIO(content.encode()))
    return buffer.getvalue()


def wait_for(seen: Callable[[], object], what: str) -> None:
    """Poll until something holds; fail, saying what was waited for, after a time that only a broken one takes."""
    until = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Machine:
    """A server's folder and what runs in it; `end` kills all of that."""

    root: Path
    cloud: Cloud
    role: str = "web"
    port: int = field(default_factory=free_port)
    boots: list[subprocess.Popen[bytes]] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)  # variables of its processes, besides its own

    def __post_init__(self) -> None:
        (self.root / "opt/fabscale").mkdir(parents=True)
        self.program.write_bytes(build_server_program())

    @property
    def program(self) -> Path:
        return self.root / "opt/fabscale/server.py"

    @property
    def app(self) -> Path:
        return self.root / "srv/app"

    @property
    def console(self) -> str:
        path = self.root / "console"
        return path.read_text() if path.exists() else ""

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "FABSCALE_ROOT": str(self.root),
            "AWS_ENDPOINT_URL": self.cloud.url,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.cloud.url,
            "FABSCALE_RETRY_SECONDS": "0.01",
            **self.given,
        }

    def document(self, release: str, environ: Mapping[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        """Store a release and return its server.json."""
        files = {"site.txt": release, "web.py": SITE, "worker.py": WORKER, "migrate.py": MIGRATE}
        bundle = self.cloud.put(f"bundles/{release}.tar.gz", archive(files))
        static = self.cloud.put(f"static/{release}.tar.gz", archive({f"site.{release[-7:]}.css": "body {}"}))
        return {
            "deployment": "opendebates",
            "environment": "testing",
            "role": self.role,
            "region": "us-east-1",
            "bucket": "bundles",
            "release": {**bundle, "id": release},
            "dependencies": [],
            "static": [static],
            "commands": {name: ["{python}", f"{file}.py"] for name, file in COMMANDS.items()},
            "port": self.port,
            "health": {"path": "/healthcheck.html", "success": "200"},
            "min_healthy_time": 0.3,
            "environ": {"MIGRATED": str(self.root / "migrated"), **(environ or {})},
            "secrets": {},
            "group": "opendebates-testing-web",
            "hook": "fabscale-ready",
            "python": sys.executable,
            **changes,
        }

    def launch_with(self, document: Mapping[str, Any]) -> None:
        (self.root / "opt/fabscale/server.json").write_text(json.dumps(document))

    def boot(self) -> subprocess.Popen[bytes]:
        with (self.root / "console").open("ab") as console:
            process = subprocess.Popen(
                [sys.executable, str(self.program), "boot"], env=self.environment, stdout=console, stderr=console
            )
        self.boots.append(process)
        return process

    def ask(self, *arguments: str, said: str = "") -> dict[str, Any]:
        """Run a verb and return its JSON answer."""
        result = subprocess.run(
            [sys.executable, str(self.program), *arguments],
            env=self.environment,
            input=said.encode(),
            capture_output=True,
            check=False,
            timeout=60,
        )
        answer: dict[str, Any] = json.loads(result.stdout or b"{}")
        assert result.returncode == (1 if "error" in answer else 0), result.stderr.decode()
        return answer

    def end(self) -> None:
        """Stop every boot as the machine's end would; an application's own process group dies with its supervisord."""
        for process in self.boots:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
