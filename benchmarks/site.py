"""A small site of its own on an embedded cloud of its own: pages, a web server of the standard library, a config."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

ROOT = Path(__file__).resolve().parents[1]
_FAB = Path(sys.executable).with_name("fab")
_APPLICATION = {
    "start": "{python} -m http.server {port} --bind {address}",
    "manage": "none",
}


@dataclass(frozen=True)
class Site:
    """A repository beside its own embedded cloud; its deployment is `bench`, its environment `local`."""

    folder: Path

    def fab(self, *words: str) -> str:
        """Run a task to its end and return its standard output; raises `CalledProcessError` with what it said."""
        environ = {**os.environ, "FABULAWS_CONFIG": str(self.folder / "fabulaws-config.yml"), "NO_COLOR": "1"}
        ended = subprocess.run(
            [_FAB, *words], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if ended.returncode != 0:
            raise SystemExit(f"fab {' '.join(words)}: exit {ended.returncode}\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def history(self) -> list[dict[str, Any]]:
        """Return what deploys did, the newest first."""
        found: list[dict[str, Any]] = json.loads(self.fab("history:bench,local", "--json"))
        return found

    def client(self, service: Any) -> Any:
        """Return a client of the embedded cloud."""
        record = json.loads((self.folder / ".fab" / "local" / "cloud.json").read_text())
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=record["endpoint"],
            aws_access_key_id="bench",
            aws_secret_access_key="bench",
        )

    def commit(self, message: str) -> None:
        """Commit everything."""
        git = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@example.com"]
        subprocess.run([*git, "add", "-A"], cwd=self.folder, check=True)
        subprocess.run([*git, "commit", "-q", "-m", message], cwd=self.folder, check=True)


@contextmanager
def site(settings: Mapping[str, object]) -> Iterator[Site]:
    """Make the site with these settings of its environment; it and its cloud are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="fabscale-bench-"))
    config = {
        "deployments": ["bench"],
        "environments": {"local": {"provider": "local", "branches": "HEAD", **settings}},
        "application": _APPLICATION,
        "requirements_file": "none",
        "health_check": {"path": "/healthcheck.html"},
    }
    (folder / "fabulaws-config.yml").write_text(yaml.safe_dump(config, sort_keys=False))
    (folder / "healthcheck.html").write_text("well\n")
    (folder / "index.html").write_text("<p>one</p>\n")
    (folder / ".gitignore").write_text(".fab/\n")
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
    made = Site(folder)
    made.commit("A site")
    try:
        yield made
    finally:
        made.fab("local_down")
        shutil.rmtree(folder, ignore_errors=True)
