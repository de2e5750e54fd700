"""What instances answer, asked over a transport; those that cannot be asked are left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from fabfile.apply.traffic import NoTraffic, SshTraffic, total
from fabfile.rollout.trial import Sample
from fabfile.transports.memory import MemoryTransport
from tests.aws.account import session


class Found(SshTraffic):
    """Knows its hosts without asking EC2."""

    def _find(self, instances: Sequence[str]) -> None:
        self._hosts = {name: f"{name}.host" for name in instances}


def _answering(requests: int, failed: int, p99: float) -> object:
    said = json.dumps({"requests": requests, "failed": failed, "p99_ms": p99, "first_failure": ""})
    return lambda argv, given: (0, said, "")


def test_those_that_cannot_be_asked_are_left_out_and_the_others_added_up(tmp_path: Path) -> None:
    hosts = {
        "i-1.host": _answering(20, 1, 30.0),
        "i-2.host": _answering(20, 0, 50.0),
        "i-3.host": lambda argv, given: (2, "", "fabscale: error: argument verb: invalid choice: 'ask'"),
        "i-4.host": lambda argv, given: (0, "no JSON", ""),
    }
    transport = MemoryTransport(hosts)  # type: ignore[arg-type]
    traffic = Found(session("http://127.0.0.1:1", tmp_path), transport, "ip", paths=["/"], timeout=5)
    seen = traffic.look(["i-1", "i-2", "i-3", "i-4", "i-5"])
    assert seen == {"i-1": Sample(20, 1, 30.0), "i-2": Sample(20, 0, 50.0)}
    assert total(seen, ["i-1", "i-2", "i-3"]) == Sample(40, 1, 50.0)
    assert total(seen, ["i-3"]) == Sample()


def test_where_nobody_can_be_asked_nobody_answers() -> None:
    assert NoTraffic().look(["i-1"]) == {}
