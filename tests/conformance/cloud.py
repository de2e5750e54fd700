"""What the tests stand on, the embedded cloud or an account of AWS: clients, and time that passes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fabfile.errors import UsageError
from tests.conformance.target import WHAT, Real

HEALTHY = "/up"  # what the tests' servers answer; every other path is a 404


class Cloud(Protocol):
    """Promises: a client's calls are remembered as "service:Operation"; `now` only passes when somebody waits."""

    region: str
    called: set[str]
    quiet: int  # looks, with a wait after each, after which nothing more is going to happen by itself

    def client(self, service: str) -> Any: ...

    def now(self) -> float:
        """Seconds since any moment."""
        ...

    def wait(self) -> None:
        """Let the cloud work until it is worth another look."""
        ...


class Clients:
    """Clients of one session, made once, each telling what it calls."""

    def __init__(self, session: boto3.Session, endpoint: str | None, attempts: int) -> None:
        self.called: set[str] = set()
        self._session = session
        self._endpoint = endpoint
        self._config = Config(retries={"total_max_attempts": attempts, "mode": "standard"})
        self._made: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A client; the same one every time."""
        if service not in self._made:
            made: Any = self._session.client(service, endpoint_url=self._endpoint, config=self._config)  # type: ignore[call-overload]
            made.meta.events.register("before-call", self._remember)
            self._made[service] = made
        return self._made[service]

    def _remember(self, model: Any, **_: object) -> None:
        self.called.add(f"{model.service_model.signing_name}:{model.name}")

    def close(self) -> None:
        """Close every connection."""
        for client in self._made.values():
            client.close()


class RealCloud:
    """An account over HTTP: what happens there takes the time that it takes."""

    quiet = 18  # looks; 5 s apart on AWS: 18 × 5 s are a minute and a half

    def __init__(self, clients: Clients, region: str, step: float) -> None:
        self.region = region
        self.client = clients.client
        self.called = clients.called
        self.now: Callable[[], float] = time.monotonic
        self._step = step

    def wait(self) -> None:
        """Sleep until the next look."""
        time.sleep(self._step)


def session_in(target: Real) -> boto3.Session:
    """Open a session with whatever credentials are around; `UsageError` for a profile that is not there."""
    try:
        return boto3.Session(region_name=target.region)
    except BotoCoreError as error:
        raise UsageError(WHAT, str(error), "Set AWS_PROFILE to one of `aws configure list-profiles`") from error


@contextmanager
def entered(target: Real, session: boto3.Session) -> Iterator[RealCloud]:
    """Open an account once STS has said that the credentials are that account's.

    Raises `UsageError` before any other call when they are not.
    """
    clients = Clients(session, target.endpoint or None, attempts=8)
    try:
        _check_account(target, clients.client("sts"))
        yield RealCloud(clients, target.region, target.step)
    finally:
        clients.close()


def _check_account(target: Real, sts: Any) -> None:
    try:
        account = sts.get_caller_identity()["Account"]
    except (ClientError, BotoCoreError) as error:
        raise UsageError(
            WHAT, f"STS does not say whose credentials these are: {error}", "Check the credentials"
        ) from error
    if account != target.account:
        raise UsageError(
            WHAT,
            f"the credentials are of account {account}, and CONFORMANCE_ACCOUNT is {target.account}",
            "Nothing was called but GetCallerIdentity; use the credentials of the account that you mean",
        )
