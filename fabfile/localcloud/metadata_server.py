"""Serve the instance metadata service, version 2 only, on every machine's own address.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import selectors
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler

from .contract import MachineSpec
from .metadata import answer

PORT = 1338
_LONGEST_TOKEN = 21600  # seconds, six hours
_log = logging.getLogger(__name__)


@dataclass
class _Site:
    """One machine's service: who it is, and the tokens that it gave out with their end on the monotonic clock."""

    spec: MachineSpec
    tags: Mapping[str, str]
    listener: socket.socket
    tokens: dict[str, float] = field(default_factory=dict)


class MetadataServer:
    """One thread accepts for all machines, a few others answer; which machine is asked is told by the address."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sites: dict[str, _Site] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, wakes = socket.socketpair()
        self._selector.register(wakes, selectors.EVENT_READ, None)
        self._closing = False
        self._answering = ThreadPoolExecutor(8, thread_name_prefix="metadata")
        self._thread = threading.Thread(target=self._accept, name="metadata", daemon=True)
        self._thread.start()

    def add(self, spec: MachineSpec) -> None:
        """Serve a machine; raises OSError when its address cannot be bound."""
        listener = socket.create_server((spec.address, PORT), backlog=64)
        listener.setblocking(False)
        site = _Site(spec, dict(spec.tags), listener)
        with self._lock:
            self._sites[spec.id] = site
            self._selector.register(listener, selectors.EVENT_READ, site)
        self._wake.send(b".")

    def retag(self, machine: str, tags: Mapping[str, str]) -> None:
        with self._lock:
            if machine in self._sites:
                self._sites[machine].tags = dict(tags)

    def remove(self, machine: str) -> None:
        """Stop serving a machine; its port is free when this returns."""
        with self._lock:
            if site := self._sites.pop(machine, None):
                self._selector.unregister(site.listener)
                # A thread that is just polling the socket keeps it open: shutdown ends the listening at once.
                with contextlib.suppress(OSError):
                    site.listener.shutdown(socket.SHUT_RDWR)
                site.listener.close()

    def close(self) -> None:
        with self._lock:
            self._closing = True
        for machine in list(self._sites):
            self.remove(machine)
        self._wake.send(b".")
        self._thread.join()
        self._answering.shutdown(cancel_futures=True)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
        self._wake.close()

    def _accept(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select():
                if isinstance(key.data, _Site):
                    with contextlib.suppress(OSError):
                        connection, peer = key.data.listener.accept()
                        connection.settimeout(5.0)
                        self._answering.submit(_serve, connection, peer, key.data)
                elif isinstance(key.fileobj, socket.socket):
                    key.fileobj.recv(64)


def _serve(connection: socket.socket, peer: tuple[str, int], site: _Site) -> None:
    handler = type("Handler", (_Handler,), {"site": site})
    with connection, contextlib.suppress(OSError):
        handler(connection, peer, None)


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    site: _Site
    server_version = "EC2ws"
    sys_version = ""

    def do_PUT(self) -> None:
        """Give out a token that lasts as long as asked for, one second to six hours."""
        if self.path != "/latest/api/token":
            return self._send(404)
        if self.headers.get("X-Forwarded-For"):
            return self._send(403)  # AWS: a proxy that forwards must not get a token
        asked = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if not asked.isdecimal() or not 1 <= int(asked) <= _LONGEST_TOKEN:
            return self._send(400)
        token = secrets.token_urlsafe(32)
        self.site.tokens[token] = time.monotonic() + int(asked)
        return self._send(200, token.encode(), ttl=asked)

    def do_GET(self) -> None:
        """Answer who shows a token of this machine's that has not ended."""
        ends = self.site.tokens.get(self.headers.get("X-aws-ec2-metadata-token", ""), 0.0)
        if ends <= time.monotonic():
            return self._send(401)
        path = self.path.partition("?")[0].removeprefix("/latest")
        found = answer(self.site.spec, self.site.tags, path, datetime.now(UTC))
        return self._send(404) if found is None else self._send(200, found)

    def _send(self, code: int, body: bytes = b"", ttl: str = "") -> None:
        self.send_response(code)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        if ttl:
            self.send_header("X-aws-ec2-metadata-token-ttl-seconds", ttl)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        _log.debug(format, *args)
