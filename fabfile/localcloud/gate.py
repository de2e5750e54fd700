"""The door to the control plane: one request at a time, faults on order, and AWS errors for what goes wrong."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from .faults import Faults

log = logging.getLogger(__name__)
Environ = dict[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]

FAULTS_PATH = "/_fabscale/faults"
HEALTH_PATH = "/_fabscale/health"
EXPIRED = "EXPIRED"  # this access key id is refused as one whose time is up
STATUS = {"Throttling": "400 Bad Request", "InternalFailure": "500 Internal Server Error"}
SERVER_ERRORS = ("InternalFailure", "InternalError", "ServiceUnavailable", "InternalServerError")


class Gate:
    """A WSGI application in front of moto's."""

    def __init__(self, inner: App, lock: threading.RLock, faults: Faults) -> None:
        self._inner = inner
        self._lock = lock
        self._faults = faults

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        if path == HEALTH_PATH:
            return _answer(start_response, "200 OK", "application/json", b'{"status": "ok"}')
        if path == FAULTS_PATH:
            return self._order(environ, start_response)
        action = action_of(environ)
        if f"Credential={EXPIRED}/" in environ.get("HTTP_AUTHORIZATION", ""):
            code = "ExpiredTokenException" if environ.get("HTTP_X_AMZ_TARGET") else "ExpiredToken"
            if service_of(environ) == "ec2":
                code = "RequestExpired"
            return refuse(environ, start_response, code, "The security token included in the request is expired")
        with self._lock:
            error = self._faults.due(action)
            if error:
                return refuse(environ, start_response, error, f"{error} on order")
            return self._guarded(environ, start_response, action)

    def _guarded(self, environ: Environ, start_response: Any, action: str) -> Iterable[bytes]:
        try:
            return self._inner(environ, start_response)
        except NotImplementedError as missing:
            message = f"The embedded cloud has no {action or 'such operation'}: {missing}"
            return refuse(environ, start_response, "InvalidAction", message)
        except Exception as bug:  # whatever breaks inside moto is an answer to the caller, not the server's end
            log.exception("%s failed", action)
            message = f"{action} broke the embedded cloud: {type(bug).__name__}: {bug}"
            return refuse(environ, start_response, "InternalFailure", message)

    def _order(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        method = environ.get("REQUEST_METHOD")
        with self._lock:
            if method == "DELETE":
                self._faults.clear()
            elif method == "POST":
                try:
                    self._faults.order(json.loads(_body(environ) or b"{}"))
                except (ValueError, TypeError) as wrong:
                    text = json.dumps({"message": str(wrong)}).encode()
                    return _answer(start_response, "400 Bad Request", "application/json", text)
            document = self._faults.document()
        return _answer(start_response, "200 OK", "application/json", json.dumps(document).encode())


def _body(environ: Environ) -> bytes:
    """Read the request's body and put it back for whoever is next."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def action_of(environ: Environ) -> str:
    """The API action that a request names; "" where only method and path tell (S3)."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return str(target).rpartition(".")[2]
    if str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded"):
        return parse_qs(_body(environ).decode("utf-8", "replace")).get("Action", [""])[0]
    return ""


def service_of(environ: Environ) -> str:
    """The service that a request is signed for; "" for an unsigned one."""
    _, _, scope = str(environ.get("HTTP_AUTHORIZATION", "")).partition("Credential=")
    parts = scope.partition(",")[0].split("/")
    return parts[3] if len(parts) > 3 else ""


def refuse(environ: Environ, start_response: Any, code: str, message: str) -> Iterable[bytes]:
    """Answer an error in the form that the request's protocol has."""
    status = "500 Internal Server Error" if code in SERVER_ERRORS else "400 Bad Request"
    if environ.get("HTTP_X_AMZ_TARGET"):
        body = json.dumps({"__type": code, "message": message}).encode()
        return _answer(start_response, status, "application/x-amz-json-1.1", body)
    error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    service = service_of(environ)
    if service == "ec2":
        text = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>0</RequestID></Response>"
    elif service == "s3":
        text = f"<Error>{error}</Error>"
    else:
        text = f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error><RequestId>0</RequestId></ErrorResponse>"
    return _answer(start_response, status, "text/xml", text.encode())


def _answer(start_response: Any, status: str, kind: str, body: bytes) -> Iterable[bytes]:
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
