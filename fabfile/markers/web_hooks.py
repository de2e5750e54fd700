"""A marker that is a web hook: one POST of JSON.

Addresses and headers may hold secrets: texts name at most the host, and never quote an exception that could.
"""

from __future__ import annotations

import ipaddress
import json
import threading
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from queue import Empty, SimpleQueue
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ..config.environment import Marker
from .failure import MarkerError
from .occasion import Occasion, filled, filled_in


def post(marker: Marker, occasion: Occasion, environ: Mapping[str, str]) -> None:
    """Send it and wait for the status; raises `MarkerError` unless that is 2xx within the marker's time."""
    request = _request(marker, occasion, environ)
    answers: SimpleQueue[MarkerError | None] = SimpleQueue()

    def send() -> None:
        answers.put(_sent(request, marker.timeout))

    # The socket's own limit counts anew with every byte that comes, and not at all while a name is looked up.
    threading.Thread(target=send, daemon=True).start()
    try:
        failure = answers.get(timeout=marker.timeout)
    except Empty:
        failure = MarkerError(f"{_host(request.full_url)} had not answered after {marker.timeout:g} s")
    if failure is not None:
        raise failure


def host_of(marker: Marker) -> str:
    """Return what may be shown of a marker's address."""
    return marker.url if marker.url.startswith("${") else _host(marker.url)


def _request(marker: Marker, occasion: Occasion, environ: Mapping[str, str]) -> urllib.request.Request:
    facts = occasion.facts
    url = filled(marker.url, facts, environ)
    _check(url)
    body = facts if marker.body is None else filled_in(marker.body, facts, environ)
    headers = {name: filled(text, facts, environ) for name, text in marker.headers.items()}
    content = json.dumps(body, default=str).encode()
    known = {"Content-Type": "application/json", "User-Agent": "fabscale"}
    return urllib.request.Request(url, content, {**known, **headers}, method="POST")  # noqa: S310  (checked above)


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise MarkerError("its url is none", setup=True) from None
    if not host or any(letter.isspace() for letter in url):
        raise MarkerError("its url is none", setup=True)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise MarkerError(f"its url at {host} is not https, and headers would be readable on their way", setup=True)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would turn the POST into a GET, or take its headers to somebody else."""

    def redirect_request(  # noqa: PLR0917  (urllib's)
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        fp.close()
        raise MarkerError(f"{_host(req.full_url)} redirects to {_host(newurl)}, which is not followed", setup=True)


def _sent(request: urllib.request.Request, timeout: float) -> MarkerError | None:
    host = _host(request.full_url)
    handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
    if _is_loopback(urlsplit(request.full_url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout):
            return None
    except MarkerError as error:
        return error
    except HTTPError as error:
        error.close()
        return MarkerError(f"{host} answered {error.code}")
    except URLError as error:
        return MarkerError(f"{host} cannot be reached: {_reason(error.reason)}")
    except OSError as error:
        return MarkerError(f"{host} cannot be reached: {_reason(error)}")
    except (HTTPException, ValueError) as error:
        # Both quote what they do not like: a header, or the address.
        return MarkerError(f"{host} could not be asked: {type(error).__name__} (a header or the address is not valid)")


def _reason(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return (reason.strerror if isinstance(reason, OSError) else "") or type(reason).__name__


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "its url"
    except ValueError:
        return "its url"
