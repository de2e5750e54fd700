"""Which release each server runs, and whether autoscaling would launch the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..aws.autoscaling import describe_group, exists
from ..aws.launch_templates import read_launch_config
from ..aws.session import Aws
from ..config.environment import Environment
from ..transports.contract import Result, Transport
from .launch_configs import release_of
from .program import calling_program
from .servers import WEB, Server
from .workers import status_of

_LOOK_SECONDS = 30.0


@dataclass(frozen=True)
class Running:
    """What one server runs; `launches` is the release that its group would launch now, `launched` its own at launch.

    `unseen` says why it could not be asked.
    """

    server: Server
    release: str
    commit: str
    launches: str
    launched: str
    unseen: str = ""

    @property
    def note(self) -> str:
        """What is not as it should be; "" when the server runs what its group launches."""
        if self.unseen:
            return f"out of reach: {self.unseen}"
        if not self.release:
            return "runs no release"
        if self.release == self.launches or not self.launches:
            return ""
        if self.release == self.launched:
            return f"not what its group launches now: {self.launches}"
        return f"changed in place; its group launches {self.launches}"


def running(aws: Aws, environment: Environment, transport: Transport, servers: Sequence[Server]) -> tuple[Running, ...]:
    """Ask every server at once; one that does not answer hides no other."""
    reached = [server for server in servers if server.address]
    asked = calling_program("status")
    answers = transport.run([server.address for server in reached], asked, timeout=_LOOK_SECONDS)
    by_id = {server.id: answer for server, answer in zip(reached, answers, strict=True)}
    launching = {name: _launching(aws, name) for name in dict.fromkeys(server.group for server in servers)}
    configs = {*launching.values(), *(server.launch_config for server in servers)} - {""}
    releases = {config: release_of(read_launch_config(aws, config)) for config in sorted(configs)}
    return tuple(_running(server, by_id.get(server.id), launching, releases) for server in servers)


def _launching(aws: Aws, group: str) -> str:
    return describe_group(aws, group).group.launch_config if exists(aws, group) else ""


def _running(
    server: Server, answer: Result | None, launching: Mapping[str, str], releases: Mapping[str, str]
) -> Running:
    status, why = status_of(answer) if answer else ({}, "it has no address")
    runs = [str(each.get("release", "")) for each in status.get("programs", {}).values()]
    release = next(filter(None, runs), "")
    launches = releases.get(launching[server.group], "")
    # A deploy gives workers its release in place, so what they were launched with says nothing.
    launched = releases.get(server.launch_config, "") if server.role == WEB else ""
    return Running(server, release, release.rpartition("-")[2], launches, launched, why)
