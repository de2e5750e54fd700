"""The availability probe against servers that misbehave, and against one that doesn't."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fabfile.errors import Unreachable, UsageError
from fabfile.localcloud.authority import LocalAuthority
from fabfile.probe.pages import assets, same_origin
from fabfile.probe.report import percentile
from fabfile.probe.traffic import Traffic

PAGE = '<link rel="stylesheet" href="/app.css"><img src="logo.png"><script src="https://cdn.example/x.js"></script>'


class Site:
    """A site whose paths answer what the test says: (status, content type, body)."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str, str]] = {"/": (200, "text/html", PAGE)}
        self.asked: Counter[str] = Counter()
        self.connections = 0
        self.locations: dict[str, str] = {}
        self.server = self._make()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def _make(self) -> ThreadingHTTPServer:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                site.connections += 1

            def do_GET(self) -> None:
                site.asked[self.path] += 1
                status, kind, body = site.answers.get(self.path, (200, "text/plain", "ok"))
                if kind == "hang":
                    time.sleep(2.0)
                if kind == "reset":
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if self.path in site.locations:
                    self.send_header("Location", site.locations[self.path])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None:
                return  # the probe hangs up on what is too slow

        return Server(("127.0.0.1", 0), Handler)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_site_that_refuses_connections_is_all_failures() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    traffic = Traffic(f"http://127.0.0.1:{port}", rate=50)
    traffic.start()
    until(lambda: traffic.snapshot().total >= 30)
    report = traffic.stop()
    assert report.failed == report.total >= 30
    assert sum(failure.count for failure in report.failures) == report.failed
    assert len(report.failures) == 1
    assert "Connection refused" in report.failures[0].reason
    assert "0x" not in report.failures[0].reason


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        ("/", (500, "text/html", ""), "status 500"),
        ("/", (503, "text/html", ""), "status 503"),
        ("/", (200, "reset", ""), "ProtocolError"),
        ("/", (200, "hang", ""), "ReadTimeoutError"),
        ("/app.css", (404, "text/css", ""), "status 404"),
        ("/logo.png", (403, "text/plain", ""), "status 403"),
    ],
)
def test_what_a_user_would_see_fail_is_a_failure(
    site: Site, path: str, answer: tuple[int, str, str], reason: str
) -> None:
    site.answers[path] = answer
    with Traffic(site.url, rate=60, timeout=0.5) as traffic:
        until(lambda: traffic.snapshot().failed > 0)
        first = traffic.stop().failures[0]
    assert first.path == path
    assert reason in first.reason
    assert first.at.endswith("+00:00")


def test_a_page_that_is_not_found_is_an_answer(site: Site) -> None:
    """A site may say 404 or 403 to a stranger; it is there all the same."""
    site.answers["/"] = (404, "text/html", "")
    traffic = Traffic(site.url, rate=60)
    traffic.start()
    until(lambda: traffic.snapshot().total >= 20)
    assert traffic.stop().failed == 0


def test_pages_and_what_they_load_are_asked_at_the_rate_over_kept_connections(site: Site) -> None:
    traffic = Traffic(site.url, rate=100, paths=("/", "/about?x=1"))
    traffic.start()
    until(lambda: traffic.snapshot().total > 0)
    begun, before = time.monotonic(), traffic.snapshot().total
    until(lambda: traffic.snapshot().total - before >= 200)
    took = time.monotonic() - begun
    report = traffic.stop()
    assert report.failed == 0
    assert report.total == site.asked.total()
    assert set(site.asked) == {"/", "/about?x=1", "/app.css", "/logo.png"}
    assert abs(site.asked["/app.css"] - site.asked["/"]) <= 20
    assert took > 1.5, "200 requests at 100 a second are not made faster"
    assert site.connections < report.total / 2
    assert 0 <= report.p50_ms <= report.p99_ms


def test_a_redirect_within_the_site_is_followed_and_one_elsewhere_is_not(site: Site) -> None:
    site.answers |= {"/": (302, "text/html", ""), "/away": (302, "text/html", "")}
    site.locations = {"/": "/login", "/away": "http://127.0.0.1:1/"}
    traffic = Traffic(site.url, rate=100, paths=("/", "/away"))
    traffic.start()
    until(lambda: site.asked["/login"] > 2 and site.asked["/away"] > 2)
    assert traffic.stop().failed == 0


def test_a_probe_that_was_killed_is_not_a_site_that_is_well(site: Site) -> None:
    traffic = Traffic(site.url, rate=50)
    with traffic:
        until(lambda: traffic.snapshot().total > 0)
        assert traffic._process is not None
        traffic._process.kill()
        traffic._process.wait()
        with pytest.raises(Unreachable, match="the probe's process ended"):
            traffic.stop()


def test_the_probe_ends_with_a_deploy_that_was_killed(site: Site) -> None:
    code = (
        "import time; from fabfile.probe.traffic import Traffic; "
        f"traffic = Traffic({site.url!r}, 50); traffic.start(); "
        "print(traffic._process.pid, flush=True); time.sleep(600)"
    )
    deploy = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert deploy.stdout is not None
    with deploy, deploy.stdout:
        probe = int(deploy.stdout.readline())
        until(lambda: site.asked.total() > 0)
        deploy.send_signal(signal.SIGKILL)
    until(lambda: not os.path.exists(f"/proc/{probe}") or _zombie(probe))


def _zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize(("site_", "rate"), [("ftp://127.0.0.1", 1.0), ("http://127.0.0.1", 0.0)])
def test_a_probe_of_nothing_is_refused(site_: str, rate: float) -> None:
    with pytest.raises(UsageError):
        Traffic(site_, rate)


def test_only_what_a_browser_fetches_from_the_same_site_is_an_asset() -> None:
    html = """<a href="/next"><link rel="canonical" href="/me"><link rel="icon" href="/i.ico">
    <script>1</script><script src="//other/x.js"></script><script src="app.js?v=2"></script>
    <img src="data:image/png;base64,xx"><img src="/i.ico"><img src="http://[broken">"""
    assert assets(html, "http://site/shop/") == ("/i.ico", "/shop/app.js?v=2")
    assert same_origin("https://site/", "http://site/x") == ""


def test_percentiles_are_of_what_was_counted() -> None:
    assert percentile({}, 99) == 0.0
    assert percentile({1: 98, 7: 1, 900: 1}, 50) == 1.0
    assert percentile({1: 98, 7: 1, 900: 1}, 99) == 7.0


@pytest.fixture
def secure(site: Site, tmp_path: Path) -> tuple[str, Path]:
    """The site by HTTPS: its URL, and the authority that its certificate is from."""
    authority = LocalAuthority(tmp_path / "tls")
    files = authority.issue(("site.example",), ("127.0.0.1",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True, do_handshake_on_connect=False)
    return site.url.replace("http:", "https:"), authority.ca


def test_an_https_site_whose_certificate_nobody_vouches_for_is_all_failures(secure: tuple[str, Path]) -> None:
    with Traffic(secure[0], rate=50) as traffic:
        until(lambda: traffic.snapshot().total >= 5)
        seen = traffic.stop()
    assert seen.failed == seen.total
    assert "certificate verify failed" in seen.failures[0].reason


def test_an_https_site_is_verified_against_the_authority_given(secure: tuple[str, Path]) -> None:
    with Traffic(secure[0], rate=50, ca=secure[1]) as traffic:
        until(lambda: traffic.snapshot().total >= 20)
        seen = traffic.stop()
    assert seen.failed == 0, seen.failures
