"""Web servers to stand behind the proxy, and clients in front of it."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fabfile.localcloud.contract import Endpoint, Forward, Listener, Pool, Probe, Route

DEADLINE = 30.0


def until(seen: Callable[[], bool], what: str) -> None:
    """Wait until `seen` holds; fail with `what` after a deadline that only a broken thing misses."""
    deadline = time.monotonic() + DEADLINE
    while not seen():
        assert time.monotonic() < deadline, f"never seen: {what}"
        time.sleep(0.02)


class Backend:
    """A server that says its name, counts what it is asked, and is as healthy as told."""

    def __init__(self, name: str, address: str, port: int = 8000) -> None:
        self.name, self.address, self.port = name, address, port
        self.health = 200
        self.asked: Counter[str] = Counter()
        self.health_headers: dict[str, str] = {}
        self.last_headers: dict[str, str] = {}
        self.release = threading.Event()
        self._server = self._make()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def served(self) -> int:
        return sum(count for path, count in self.asked.items() if path != "/health")

    def endpoint(self, draining: bool = False) -> Endpoint:
        return Endpoint(self.address, self.port, draining)

    def stop(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _make(self) -> ThreadingHTTPServer:
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                backend.asked[path] += 1
                status, body = 200, backend.name.encode()
                if path == "/health":
                    status, backend.health_headers = backend.health, dict(self.headers.items())
                else:
                    backend.last_headers = dict(self.headers.items())
                if path == "/hang":
                    backend.release.wait(DEADLINE)
                if path == "/break":
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None:
                return  # a peer that goes away is what some tests are about

        return Server((self.address, self.port), Handler)


def pool(name: str, *endpoints: Endpoint, **probe: object) -> Pool:
    settings: dict[str, object] = {"path": "/health", "port": 8000, "interval": 0.05, "timeout": 1.0, **probe}
    return Pool(name, Probe(**settings), tuple(endpoints))  # type: ignore[arg-type]


def everything_to(address: str, *pools: Pool, port: int = 8080) -> Listener:
    weights = tuple((each.name, 1) for each in pools)
    return Listener(address, port, (Route(Forward(weights)),))


def ask(address: str, path: str = "/", headers: dict[str, str] | None = None, port: int = 8080) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, port, timeout=DEADLINE)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


class Load:
    """Clients that ask without a pause over connections that they keep, and count what failed."""

    def __init__(self, address: str, clients: int = 4, path: str = "/") -> None:
        self._address, self._path = address, path
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.connections = 0
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def total(self) -> int:
        return sum(self.answers.values()) + len(self.failures)

    def go_on(self, requests: int = 50) -> None:
        """Return after this many more requests."""
        goal = self.total + requests
        until(lambda: self.total >= goal, "more requests")

    def _run(self) -> None:
        connection = http.client.HTTPConnection(self._address, 8080, timeout=DEADLINE)
        while not self._stop.is_set():
            if connection.sock is None:
                with self._lock:
                    self.connections += 1
            try:
                connection.request("GET", self._path)
                response = connection.getresponse()
                body = response.read().decode()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self._note(repr(error), failed=True)
                continue
            self._note(body if response.status == 200 else f"{response.status} {body}", response.status != 200)
        connection.close()

    def _note(self, text: str, failed: bool) -> None:
        with self._lock:
            if failed:
                self.failures.append(text)
            else:
                self.answers[text] += 1
