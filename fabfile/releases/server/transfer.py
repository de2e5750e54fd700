"""One HTTP exchange: the only module that opens connections to AWS and to the metadata service."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

BROKEN = (OSError, http.client.HTTPException)  # what a connection that fails raises


@dataclass(frozen=True)
class Reply:
    """An answer that was read to its end."""

    status: int
    body: bytes

    @property
    def passing(self) -> bool:
        """Whether the other side asks to be asked again: throttled or in trouble."""
        return self.status == 429 or self.status >= 500 or b"Throttling" in self.body


@contextmanager
def opened(
    method: str, url: str, headers: Mapping[str, str], body: bytes | IO[bytes] = b"", timeout: float = 10.0
) -> Iterator[http.client.HTTPResponse]:
    """Send a request and give the open response; `timeout` in seconds is for every single wait on the socket."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection.request(method, path, body=body or None, headers=dict(headers))
        yield connection.getresponse()
    finally:
        connection.close()


def exchange(method: str, url: str, headers: Mapping[str, str], body: bytes = b"", timeout: float = 10.0) -> Reply:
    """Send a request and read the whole answer; raises one of BROKEN."""
    with opened(method, url, headers, body, timeout) as response:
        return Reply(response.status, response.read())
