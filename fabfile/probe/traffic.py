"""Probe a site from a process of its own, which the deploy's own work can't slow down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import Unreachable, UsageError
from .report import ProbeReport


class Traffic:
    """Steady requests for pages of a site and what the pages load, until stopped.

    `rate` is requests a second, `timeout` seconds. A request fails when it gets no answer in time or a status
    of 500 or more; for an image, a script or a style sheet anything but 2xx and 3xx is a failure. Use it as a
    context manager, or call `start` and `stop`. It ends when this process does. An HTTPS site's
    certificate is verified, against the authorities in the file `ca` where one is given.
    """

    def __init__(
        self,
        site: str,
        rate: float,
        paths: Sequence[str] = ("/",),
        *,
        timeout: float = 10.0,
        headers: Mapping[str, str] | None = None,
        ca: Path | None = None,
    ) -> None:
        if not site.startswith(("http://", "https://")):
            raise UsageError("probe the site", f"{site!r} is no http or https URL")
        if rate <= 0 or not paths:
            raise UsageError("probe the site", "it needs a rate above 0 and at least one page")
        self._plan = {
            "site": site,
            "rate": rate,
            "paths": list(paths),
            "timeout": timeout,
            "headers": dict(headers or {}),
            "ca": str(ca) if ca and site.startswith("https://") else "",
        }
        self._report = ProbeReport()
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Traffic:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._end(self._process)

    def start(self) -> None:
        package = (__package__ or "").split(".")
        parent = Path(__file__).resolve().parents[len(package)]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"{'.'.join(package)}.run"],
            env={**os.environ, "PYTHONPATH": str(parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the deploy, which then ends the probe
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._plan) + "\n")
        self._process.stdin.flush()
        self._reader.start()

    def snapshot(self) -> ProbeReport:
        """Return what was seen up to 0.2 seconds ago; raise Unreachable when the probe's process has ended."""
        self._check()
        return self._report

    def stop(self) -> ProbeReport:
        """End the probe and return what it saw, requests under way included.

        Raises Unreachable when its process ended before: then nobody knows how the site was.
        """
        self._check()
        assert self._process is not None
        self._end(self._process)
        return self._report

    def _end(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(float(str(self._plan["timeout"])) + 10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._reader.join()
        assert process.stdout is not None
        process.stdout.close()

    def _check(self) -> None:
        status = self._process.poll() if self._process is not None else "never started"
        if status is not None:
            raise Unreachable("probe the site", f"the probe's process ended ({status})")

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._report = ProbeReport.from_json(json.loads(line))
