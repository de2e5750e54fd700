"""Signed calls to AWS's services by the instance's role, at AWS or at the endpoint that AWS_ENDPOINT_URL names."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from .backoff import Backoff
from .failures import OutOfReachError, RefusedError
from .metadata import Metadata
from .sigv4 import Scope, signed_headers
from .transfer import BROKEN, Reply, exchange


@dataclass(frozen=True)
class Services:
    """The services of one region, with retries; every call made through it is safe to repeat."""

    region: str
    metadata: Metadata
    endpoint: str = ""
    backoff: Backoff = field(default_factory=Backoff)

    @classmethod
    def from_environ(cls, region: str, metadata: Metadata, environ: Mapping[str, str] = os.environ) -> Services:
        """Go to AWS_ENDPOINT_URL when it is set, otherwise to AWS."""
        return cls(region, metadata, environ.get("AWS_ENDPOINT_URL", ""), Backoff.from_environ(environ))

    @property
    def _suffix(self) -> str:
        return "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"

    def object_url(self, bucket: str, key: str) -> str:
        """Return an object's address: by path at another endpoint or where dots would break TLS, else by host."""
        path = quote(key, safe="/-_.~")
        if self.endpoint:
            return f"{self.endpoint.rstrip('/')}/{bucket}/{path}"
        if "." in bucket:
            return f"https://s3.{self.region}.{self._suffix}/{bucket}/{path}"
        return f"https://{bucket}.s3.{self.region}.{self._suffix}/{path}"

    def signed(
        self, service: str, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> dict[str, str]:
        """Return the headers of a signed request."""
        scope = Scope(service, self.region)
        return signed_headers(
            method, url, headers, body, scope=scope, credentials=self.metadata.credentials(), now=time.time()
        )

    def query(self, service: str, version: str, action: str, parameters: Mapping[str, str]) -> bytes:
        """Call an action of a service that speaks the Query protocol."""
        body = urlencode({"Action": action, "Version": version, **parameters}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return self._post(service, action, headers, body)

    def target(self, service: str, target: str, parameters: Mapping[str, object]) -> dict[str, object]:
        """Call an action of a service that speaks JSON 1.1; `target` is e.g. "AmazonSSM.GetParameter"."""
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
        answer = json.loads(self._post(service, target.partition(".")[2], headers, json.dumps(parameters).encode()))
        if not isinstance(answer, dict):
            raise OutOfReachError(f"call {target}", "the answer is no JSON object")
        return answer

    def _post(self, service: str, action: str, headers: Mapping[str, str], body: bytes) -> bytes:
        url = self.endpoint.rstrip("/") + "/" if self.endpoint else f"https://{service}.{self.region}.{self._suffix}/"
        seen = ""
        for _ in self.backoff.turns():
            try:
                reply = exchange("POST", url, self.signed(service, "POST", url, headers, body), body)
            except BROKEN as error:
                seen = str(error) or type(error).__name__
                continue
            if reply.status == 200:
                return reply.body
            code, seen = _error(reply)
            if not reply.passing:
                raise RefusedError(f"call {service} {action}", seen, code=code)
        raise OutOfReachError(f"call {service} {action}", seen)


def _error(reply: Reply) -> tuple[str, str]:
    """Find an error's code and message in a Query (XML) or JSON answer."""
    text = reply.body.decode("utf-8", "replace")
    code = re.search(r"<Code>([^<]*)|\"__type\"\s*:\s*\"(?:[^\"#]*#)?([^\"]*)", text)
    message = re.search(r"<Message>([^<]*)|\"[mM]essage\"\s*:\s*\"([^\"]*)", text)
    found = (code.group(1) or code.group(2)) if code else str(reply.status)
    said = (message.group(1) or message.group(2) or "").strip() if message else ""
    return found, f"{found} {said}".strip()
