"""One account and region to call: time limits, the right retries, a count of calls, no writes if so asked.

Only this module knows whether the endpoint is AWS's or the embedded cloud's.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal, overload

from botocore.config import Config

from ..config.environment import Environment
from .credentials import open_session, refuse_embedded
from .identity import Caller, ask_who_calls
from .translate import ReadOnlyError, calling

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_acm import ACMClient
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_elasticache import ElastiCacheClient
    from mypy_boto3_elb import ElasticLoadBalancingClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

_READS = ("Describe", "Get", "List", "Head", "BatchGet", "Query", "Scan", "Simulate", "ValidateTemplate")
_ONCE = frozenset(
    {"LaunchInstances", "TerminateInstanceInAutoScalingGroup", "ExecutePolicy", "EnterStandby", "ExitStandby"}
)
_ATTEMPTS = 4
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 30.0


class Aws:
    """Clients of one environment's account and region; thread-safe."""

    def __init__(
        self,
        environment: Environment,
        endpoint_url: str | None = None,
        read_only: bool = False,
        task: str = "",  # named in each request, so that CloudTrail shows which task made it
    ) -> None:
        self.environment = environment
        self.region = environment.region
        self.endpoint_url = endpoint_url
        self.read_only = read_only
        self.task = task
        self._calls: Counter[str] = Counter()
        self._clients: dict[tuple[str, bool], Any] = {}
        self._lock = RLock()
        self._session: boto3.Session | None = None

    @property
    def where(self) -> str:
        """Profile and region, as errors name them."""
        if self.endpoint_url:
            return f"the embedded cloud at {self.endpoint_url}"
        profile = self.environment.profile or os.environ.get("AWS_PROFILE", "")
        role = f"role {self.environment.role_arn}, " if self.environment.role_arn else ""
        return f"profile {profile or 'default'}, {role}region {self.region}"

    @property
    def calls(self) -> Mapping[str, int]:
        """How often each action was sent so far, retries included."""
        with self._lock:
            return dict(self._calls)

    @cached_property
    def caller(self) -> Caller:
        """Who AWS takes us for, asked once."""
        return ask_who_calls(self)

    def calling(self, what: str) -> AbstractContextManager[None]:
        """Translate boto3's exceptions of a call that is to do `what`; see `translate.calling`."""
        return calling(what, self.where)

    @overload
    def client(self, service: Literal["acm"], *, once: bool = ...) -> ACMClient: ...
    @overload
    def client(self, service: Literal["cloudwatch"], *, once: bool = ...) -> CloudWatchClient: ...
    @overload
    def client(self, service: Literal["elasticache"], *, once: bool = ...) -> ElastiCacheClient: ...
    @overload
    def client(self, service: Literal["autoscaling"], *, once: bool = ...) -> AutoScalingClient: ...
    @overload
    def client(self, service: Literal["cloudformation"], *, once: bool = ...) -> CloudFormationClient: ...
    @overload
    def client(self, service: Literal["dynamodb"], *, once: bool = ...) -> DynamoDBClient: ...
    @overload
    def client(self, service: Literal["ec2"], *, once: bool = ...) -> EC2Client: ...
    @overload
    def client(self, service: Literal["elb"], *, once: bool = ...) -> ElasticLoadBalancingClient: ...
    @overload
    def client(self, service: Literal["elbv2"], *, once: bool = ...) -> ElasticLoadBalancingv2Client: ...
    @overload
    def client(self, service: Literal["iam"], *, once: bool = ...) -> IAMClient: ...
    @overload
    def client(self, service: Literal["rds"], *, once: bool = ...) -> RDSClient: ...
    @overload
    def client(self, service: Literal["s3"], *, once: bool = ...) -> S3Client: ...
    @overload
    def client(self, service: Literal["secretsmanager"], *, once: bool = ...) -> SecretsManagerClient: ...
    @overload
    def client(self, service: Literal["ssm"], *, once: bool = ...) -> SSMClient: ...
    @overload
    def client(self, service: Literal["sts"], *, once: bool = ...) -> STSClient: ...
    def client(self, service: str, *, once: bool = False) -> Any:
        """Return the service's client; one with `once` sends each call a single time.

        The client that retries refuses calls that are not idempotent, so that nobody sends one by mistake.
        """
        with self._lock:
            key = (service, once)
            if key not in self._clients:
                self._clients[key] = self._create(service, once)
            return self._clients[key]

    def _create(self, service: str, once: bool) -> Any:
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 1 if once else _ATTEMPTS},
            max_pool_connections=32,
            user_agent_extra=f"fabscale-task/{self.task}" if self.task else None,
        )
        if service == "s3":
            # Of addresses signed in advance, too: by an older version S3 would take any content.
            config = config.merge(Config(signature_version="s3v4"))
        if self.endpoint_url:
            # A proxy of the user's must not see loopback, and bucket names don't resolve there.
            config = config.merge(Config(proxies={}, s3={"addressing_style": "path"}))
        with self.calling(f"open a session for {service}"):
            client: Any = self._opened().client(
                service,  # type: ignore[call-overload]
                region_name=self.region,
                endpoint_url=self.endpoint_url,
                config=config,
            )
        if not self.endpoint_url:
            refuse_embedded(client.meta.endpoint_url, service)
        client.meta.events.register("before-send", self._count)
        client.meta.events.register("before-call", self._refuse_writes)
        if not once:
            client.meta.events.register("before-call", _refuse_repeatable)
        return client

    def _opened(self) -> boto3.Session:
        if self._session is None:
            self._session = open_session(self.environment, self.endpoint_url, self.where)
        return self._session

    def _count(self, event_name: str, **_: object) -> None:
        with self._lock:
            self._calls[event_name.rsplit(".", 1)[-1]] += 1

    def _refuse_writes(self, event_name: str, **_: object) -> None:
        action = event_name.rsplit(".", 1)[-1]
        if self.read_only and not action.startswith(_READS):
            raise ReadOnlyError(f"call {action}", "this session only reads (a dry run)")


def _refuse_repeatable(event_name: str, **_: object) -> None:
    action = event_name.rsplit(".", 1)[-1]
    if action in _ONCE:
        raise TypeError(f"{action} is not idempotent: send it through client(..., once=True)")
