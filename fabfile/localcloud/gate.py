"""The door to the control plane: one request at a time, faults on order, and AWS errors for what goes wrong."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

from .asking import Asked, Environ, asked, body_of, service_of
from .call_log import CallLog
from .faults import Faults
from .iam.enforcement import Enforcement

log = logging.getLogger(__name__)
App = Callable[[Environ, Any], Iterable[bytes]]

FAULTS_PATH = "/_fabscale/faults"
CALLS_PATH = "/_fabscale/calls"
HEALTH_PATH = "/_fabscale/health"
EXPIRED = "EXPIRED"  # this access key id is refused as one whose time is up
STATUS = {"Throttling": "400 Bad Request", "InternalFailure": "500 Internal Server Error"}
DENIALS = ("AccessDenied", "UnauthorizedOperation")
SERVER_ERRORS = ("InternalFailure", "InternalError", "ServiceUnavailable", "InternalServerError")


class Gate:
    """A WSGI application in front of moto's."""

    def __init__(self, inner: App, lock: threading.RLock, faults: Faults, enforcement: Enforcement) -> None:
        self._inner = inner
        self._lock = lock
        self._faults = faults
        self._enforcement = enforcement
        self._calls = CallLog()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        if path == HEALTH_PATH:
            return _answer(start_response, "200 OK", "application/json", b'{"status": "ok"}')
        if path == FAULTS_PATH:
            return self._order(environ, start_response)
        if path == CALLS_PATH:
            with self._lock:
                return _answer(start_response, "200 OK", "application/json", self._calls.document())
        wanted = asked(environ)
        with self._lock:
            refusal = self._refusal(environ, wanted)
            if refusal:
                return refuse(environ, start_response, *refusal)
            return self._guarded(environ, start_response, wanted.operation)

    def _refusal(self, environ: Environ, wanted: Asked) -> tuple[str, str] | None:
        """Return the code and the message that a request is refused with before moto sees it."""
        if wanted.key_id == EXPIRED:
            code = "ExpiredTokenException" if environ.get("HTTP_X_AMZ_TARGET") else "ExpiredToken"
            if wanted.service == "ec2":
                code = "RequestExpired"
            return code, "The security token included in the request is expired"
        self._calls.note(wanted)
        error = self._faults.due(wanted.operation)
        if error:
            return error, f"{error} on order"
        denial = self._enforcement.denial(wanted)
        return (denial.code, denial.message) if denial else None

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
                    self._faults.order(json.loads(body_of(environ) or b"{}"))
                except (ValueError, TypeError) as wrong:
                    text = json.dumps({"message": str(wrong)}).encode()
                    return _answer(start_response, "400 Bad Request", "application/json", text)
            document = self._faults.document()
        return _answer(start_response, "200 OK", "application/json", json.dumps(document).encode())


def refuse(environ: Environ, start_response: Any, code: str, message: str) -> Iterable[bytes]:
    """Answer an error in the form that the request's protocol has."""
    status = "500 Internal Server Error" if code in SERVER_ERRORS else "400 Bad Request"
    if code in DENIALS:
        status = "403 Forbidden"
    if environ.get("REQUEST_METHOD") == "HEAD":
        return _answer(start_response, status, "text/xml", b"")
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
