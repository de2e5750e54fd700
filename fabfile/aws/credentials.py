"""Where a session's credentials come from: what the AWS SDK finds, a role assumed with it, or none that matter.

The embedded cloud gets fixed ones and never the user's, whatever its address is said to be.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, CredentialProvider, DeferredRefreshableCredentials
from botocore.exceptions import NoCredentialsError

from ..config.environment import Environment
from ..errors import UsageError
from .translate import calling

if TYPE_CHECKING:
    import boto3

EMBEDDED = "embedded"  # access key id and secret of the embedded cloud's owner
_LONGEST_SESSION_NAME = 64  # characters, says AssumeRole
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 30.0


def now() -> datetime:
    return datetime.now(UTC)


def open_session(
    environment: Environment, endpoint_url: str | None, where: str, clock: Callable[[], datetime] = now
) -> boto3.Session:
    """Return a session of the environment's account: of its profile, or of its role assumed from there.

    `endpoint_url` is the embedded cloud's. `clock` tells when a role's credentials have to be renewed.
    """
    import boto3  # noqa: PLC0415  (slow to import, and a session may never be opened)

    base = _session(environment, endpoint_url)
    if endpoint_url:
        base.set_credentials(EMBEDDED, EMBEDDED)
    if environment.role_arn:
        source = boto3.Session(botocore_session=base)
        base = _session(environment, endpoint_url)
        role = _Role(_role(source, environment, endpoint_url, where, clock))
        base.get_component("credential_provider").providers.insert(0, role)
    return boto3.Session(botocore_session=base)


def session_name() -> str:
    """Return who deploys, as CloudTrail is to show it: user@host, in the characters that AssumeRole takes."""
    return re.sub(r"[^\w+=,.@-]", "-", f"{getpass.getuser()}@{socket.gethostname()}", flags=re.ASCII)[
        :_LONGEST_SESSION_NAME
    ]


def refuse_embedded(endpoint: str, service: str) -> None:
    """Raise `UsageError` if calls that are meant for AWS would go to an embedded cloud, and the user's keys with them.

    Embedded clouds are the ones on loopback that are not at its first address, 127.0.0.1.
    """
    host = urlsplit(endpoint).hostname or ""
    if host.startswith("127.") and host != "127.0.0.1":
        raise UsageError(
            f"call {service} on AWS",
            f"AWS_ENDPOINT_URL, or endpoint_url of the profile, sends calls to {endpoint}, an embedded cloud",
            "Take it away, or use `provider: local`",
        )


class _Role(CredentialProvider):
    """Provides one role's credentials, before whatever else the SDK would find."""

    METHOD = "fabscale-role"

    def __init__(self, credentials: DeferredRefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> DeferredRefreshableCredentials:
        return self._credentials


def _session(environment: Environment, endpoint_url: str | None) -> botocore.session.Session:
    """Return a session of the profile; for the embedded cloud one that reads no file and no variable of the user's."""
    if endpoint_url:
        nothing = (None, None, os.devnull, None)
        quiet = {"profile": (None, None, None, None), "config_file": nothing, "credentials_file": nothing}
        return botocore.session.Session(session_vars=quiet)
    return botocore.session.Session(profile=environment.profile or None)


def _role(
    base: boto3.Session,
    environment: Environment,
    endpoint_url: str | None,
    where: str,
    clock: Callable[[], datetime],
) -> DeferredRefreshableCredentials:
    """Return the role's credentials, assumed at the first call and again from 15 minutes before they expire.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html: they hold for an hour.
    """
    what = f"assume the role {environment.role_arn}"

    def client(service: str, **credentials: Any) -> Any:
        config = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS)
        if endpoint_url:
            config = config.merge(Config(proxies={}))
        made = base.client(
            service,  # type: ignore[call-overload]
            region_name=environment.region,
            endpoint_url=endpoint_url,
            config=config,
            **credentials,
        )
        if not endpoint_url:
            refuse_embedded(made.meta.endpoint_url, service)
        return made

    def assume() -> dict[str, Any]:
        with calling(what, where):
            source = base.get_credentials()
            if source is None:
                raise NoCredentialsError
            fetcher = AssumeRoleCredentialFetcher(
                client, source, environment.role_arn, extra_args={"RoleSessionName": session_name()}
            )
            found: dict[str, Any] = fetcher.fetch_credentials()
            return found

    return DeferredRefreshableCredentials(assume, method="assume-role", time_fetcher=clock)
