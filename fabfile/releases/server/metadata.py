"""The instance metadata service, version 2 (with tokens) only.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
"""

from __future__ import annotations

import calendar
import json
import os
import time
from collections.abc import Mapping

from .backoff import Backoff
from .failures import OutOfReachError, RefusedError
from .sigv4 import Credentials
from .transfer import BROKEN, exchange

ENDPOINT = "http://169.254.169.254"
TOKEN_SECONDS = 21600
EARLY = 300.0  # credentials are renewed this many seconds before they end; AWS has new ones ready by then


class Metadata:
    """What the machine knows of itself, and its role's credentials."""

    def __init__(self, endpoint: str = ENDPOINT, backoff: Backoff | None = None) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._backoff = backoff or Backoff()
        self._token = ""
        self._token_ends = 0.0
        self._credentials: Credentials | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Metadata:
        """Use the endpoint that AWS's own SDKs read from the environment, too."""
        endpoint = environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or ENDPOINT
        return cls(endpoint, Backoff.from_environ(environ))

    def get(self, path: str) -> str:
        """Read one item below /latest/meta-data/; raises RefusedError when there is none."""
        return self._ask("GET", f"/latest/meta-data/{path}", {"X-aws-ec2-metadata-token": self._fresh_token()})

    def credentials(self) -> Credentials:
        """Return the role's credentials, renewed before they end."""
        if self._credentials is None or self._credentials.expires - EARLY < time.time():
            role = self.get("iam/security-credentials/").split("\n", 1)[0].strip()
            found = json.loads(self.get(f"iam/security-credentials/{role}"))
            expires = calendar.timegm(time.strptime(found["Expiration"][:19], "%Y-%m-%dT%H:%M:%S"))
            self._credentials = Credentials(
                found["AccessKeyId"], found["SecretAccessKey"], found.get("Token", ""), float(expires)
            )
        return self._credentials

    def _fresh_token(self) -> str:
        if self._token_ends < time.time():
            header = {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_SECONDS)}
            self._token = self._ask("PUT", "/latest/api/token", header)
            self._token_ends = time.time() + TOKEN_SECONDS - EARLY
        return self._token

    def _ask(self, method: str, path: str, headers: Mapping[str, str]) -> str:
        what = f"read {path} from the metadata service"
        seen = ""
        for _ in self._backoff.turns():
            try:
                reply = exchange(method, self._endpoint + path, headers, timeout=5.0)
            except BROKEN as error:
                seen = str(error) or type(error).__name__
                continue
            if reply.status == 200:
                return reply.body.decode()
            seen = f"it answered {reply.status}"
            if not reply.passing:
                raise RefusedError(what, seen, "Does the instance have a role and metadata options?", str(reply.status))
        raise OutOfReachError(what, seen)
