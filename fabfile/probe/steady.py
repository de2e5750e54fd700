"""Ask a site at a steady rate, whatever it answers.

The load is open: a request is due at its time, not when the one before is answered, and its time counts from
when it was due. So a site that stands still for a second shows as many slow requests, as its users would.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle

import urllib3
from urllib3.exceptions import HTTPError

from .pages import assets, same_origin
from .report import Tally

WORKERS = 64
# Beyond these, a request that is due is not even sent and counts as failed.
MOST_UNDER_WAY = 1000
MOST_REDIRECTS = 5
USER_AGENT = "fabscale-probe"


@dataclass(frozen=True)
class Plan:
    """What to ask: a site's URL, pages of it, requests a second, and a time limit in seconds for each.

    `ca` is a file of authorities to verify an HTTPS site against, in place of the system's.
    """

    site: str
    rate: float
    paths: Sequence[str] = ("/",)
    timeout: float = 10.0
    headers: Mapping[str, str] = field(default_factory=dict)
    ca: str = ""


@dataclass(frozen=True)
class _Request:
    path: str
    asset: bool = False
    redirects: int = 0


class SteadyLoad:
    """Requests of a plan, over connections that are kept; counts go to `tally`."""

    def __init__(self, plan: Plan, tally: Tally) -> None:
        self._plan = plan
        self._tally = tally
        self._lock = threading.Lock()
        self._under_way = 0
        # What pages that were just answered name: asked before the next page.
        self._wanted: deque[_Request] = deque(maxlen=MOST_UNDER_WAY)
        self._pages = cycle(plan.paths)
        self._pool = urllib3.connection_from_url(
            plan.site,
            maxsize=WORKERS,
            timeout=urllib3.Timeout(total=plan.timeout),
            headers={"User-Agent": USER_AGENT, **plan.headers},
            retries=False,
            **({"ca_certs": plan.ca} if plan.ca else {}),
        )

    def run(self, stop: threading.Event) -> None:
        """Ask until `stop` is set, and return once every request is answered or timed out."""
        begun = time.monotonic()
        number = 0
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="probe") as workers:
            while not stop.wait(max(0.0, begun + number / self._plan.rate - time.monotonic())):
                self._send(workers, begun + number / self._plan.rate)
                number += 1
        self._pool.close()

    def _send(self, workers: ThreadPoolExecutor, due: float) -> None:
        request = self._next()
        with self._lock:
            full = self._under_way >= MOST_UNDER_WAY
            self._under_way += not full
        if full:
            self._fail(request, f"not sent: {MOST_UNDER_WAY} requests are without an answer", due)
        else:
            workers.submit(self._ask, request, due)

    def _next(self) -> _Request:
        try:
            return self._wanted.popleft()
        except IndexError:
            return _Request(next(self._pages))

    def _ask(self, request: _Request, due: float) -> None:
        try:
            answer = self._pool.request("GET", request.path, redirect=False)
        except (HTTPError, OSError) as error:
            self._fail(request, _reason(error), due)
        else:
            self._judge(request, answer, due)
        finally:
            with self._lock:
                self._under_way -= 1

    def _judge(self, request: _Request, answer: urllib3.BaseHTTPResponse, due: float) -> None:
        bad = not 200 <= answer.status < 400 if request.asset else answer.status >= 500
        if bad:
            self._fail(request, f"status {answer.status}", due)
            return
        self._tally.answered(time.monotonic() - due)
        if not request.asset:
            self._wanted.extend(self._follow(request, answer))

    def _follow(self, request: _Request, answer: urllib3.BaseHTTPResponse) -> list[_Request]:
        """Return what a browser would ask next because of this page."""
        page = self._plan.site.rstrip("/") + request.path
        if location := answer.headers.get("Location"):
            path = same_origin(page, location)
            again = path and request.redirects < MOST_REDIRECTS
            return [_Request(path, redirects=request.redirects + 1)] if again else []
        if "html" not in answer.headers.get("Content-Type", ""):
            return []
        return [_Request(path, asset=True) for path in assets(answer.data.decode(errors="replace"), page)]

    def _fail(self, request: _Request, reason: str, due: float) -> None:
        late = time.monotonic() - due
        self._tally.failed(request.path, reason, time.time() - late, late)


def _reason(error: Exception) -> str:
    """Say it in one line, without the addresses of objects that urllib3 prints."""
    text = str(error).rpartition("object at 0x")[2].partition(": ")[2] or str(error)
    return f"{type(error).__name__}: {text}".strip(": ")
