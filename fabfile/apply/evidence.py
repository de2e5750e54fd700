"""Why servers failed, in the words of whoever saw it:

the group, the balancer, the console, the application's log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from ..aws import autoscaling, ec2
from ..aws.session import Aws
from ..balancers.of_group import balancers_of
from ..errors import FabscaleError
from ..rollout.model import Health
from ..transports.contract import Transport
from .program import LOG_TAIL

_LINES = 15  # of the console, and of the log
_WIDTH = 300
_SSH_SECONDS = 15.0
_NAMES = "password|passwd|secret|token|api_?key|access_?key|credential"
_SECRET = re.compile(rf"(?i)([\w-]*(?:{_NAMES})[\w-]*[\"']?\s*[=:]\s*)\S+")
_ADDRESS = re.compile(r"(\w+://[^\s:/@]+:)[^\s@]+(@)")
_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")


class AwsEvidence:
    """Gather evidence about instances of one group; what cannot be had is said in its place."""

    def __init__(self, aws: Aws, group: str, transport: Transport, address: str) -> None:
        self._aws = aws
        self._group = group
        self._transport = transport
        self._address = address  # which of an instance's addresses we reach it by

    def gather(self, instances: tuple[str, ...]) -> tuple[str, ...]:
        """Return lines, each with its source first; bounded, secrets taken out."""
        lines = [*self._tried("activity", lambda: self._activities(instances))]
        lines += self._tried("target health", lambda: self._target_health(instances))
        for name in instances:
            lines += self._tried(f"console of {name}", partial(ec2.console_tail, self._aws, name, _LINES))
        lines += self._tried("application log", lambda: self._logs(instances))
        return tuple(redacted(line)[:_WIDTH] for line in lines)

    def _tried(self, source: str, look: Callable[[], Iterable[str]]) -> list[str]:
        try:
            return [f"{source}: {line}" for line in look()]
        except FabscaleError as error:
            return [f"{source}: not to be had ({error.seen})"]

    def _activities(self, instances: Sequence[str]) -> Iterable[str]:
        failed = autoscaling.failed_activities(self._aws, self._group)
        ours = [each for each in failed if any(name in each.description for name in instances)]
        return [f"{each.description}: {each.message or each.cause}" for each in ours or failed[:2]]

    def _target_health(self, instances: Sequence[str]) -> Iterable[str]:
        for balancer in balancers_of(self._aws, autoscaling.describe_group(self._aws, self._group)):
            states = balancer.states()
            for name in instances:
                if name in states and states[name].health is not Health.HEALTHY:
                    state = states[name]
                    yield f"{name} is {state.health.value} in {state.balancer}: {state.reason}"

    def _logs(self, instances: tuple[str, ...]) -> Iterable[str]:
        known = ec2.instances(self._aws, instances)
        addresses = {
            each.addresses.get(self._address, ""): each.id for each in known.values() if each.state == "running"
        }
        hosts = [address for address in addresses if address]
        for result in self._transport.run(hosts, LOG_TAIL, timeout=_SSH_SECONDS):
            text = result.error or result.out
            yield from (f"{addresses[result.host]}: {line}" for line in text.splitlines()[-_LINES:])


def redacted(line: str) -> str:
    """Return the line without what looks like a secret's value:

    after its name, in an address, an access key.
    """
    line = _SECRET.sub(r"\1…", line)
    line = _ADDRESS.sub(r"\1…\2", line)
    return _ACCESS_KEY.sub("…", line)
