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
from fabfile.localcloud.contract import Sight
from fabfile.localcloud.in_memory import InMemoryDataPlane
from tests.conformance.target import WHAT, Real
from tests.localcloud.account import SESSION, open_account

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
        raise UsageError(WHAT, f"STS does not say whose credentials these are: {error}", "Set AWS_PROFILE") from error
    if account != target.account:
        raise UsageError(
            WHAT,
            f"the credentials are of account {account}, and CONFORMANCE_ACCOUNT is {target.account}",
            "Nothing was called but GetCallerIdentity; use the credentials of the account that you mean",
        )


class EmbeddedCloud:
    """The embedded cloud's control plane in this process; half a second passes between two looks."""

    region = "us-east-1"
    quiet = 10

    def __init__(self, clients: Clients, turn: Callable[[], None]) -> None:
        self.client = clients.client
        self.called = clients.called
        self._turn = turn
        self._turns = 0

    def now(self) -> float:
        """The turned time."""
        return self._turns * 0.5

    def wait(self) -> None:
        """Turn once."""
        self._turns += 1
        self._turn()


class AnsweringUp(InMemoryDataPlane):
    """A proxy whose servers answer one page: health checks of any other path fail."""

    def observe(self) -> dict[tuple[str, str, int], Sight]:
        """Look at every endpoint of every pool."""
        paths = {pool.name: pool.probe.path for pool in self.pools}
        missing = Sight(healthy=False, checked=True, active=0, reason="HTTP 404")
        return {key: seen if paths[key[0]] == HEALTHY else missing for key, seen in super().observe().items()}


@contextmanager
def embedded() -> Iterator[EmbeddedCloud]:
    """Start a control plane whose time passes with its looks."""
    with open_account(proxy=AnsweringUp()) as behind:
        clients = Clients(SESSION, behind.url, attempts=1)
        try:
            yield EmbeddedCloud(clients, behind.turn)
        finally:
            clients.close()
