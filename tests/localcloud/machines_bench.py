"""What the tests of machines share: addresses of their own, specs, and waiting for what is seen."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from fabfile.localcloud.contract import MachineSpec
from fabfile.localcloud.machine.addresses import listening

T = TypeVar("T")
ENDPOINT = "http://127.0.0.1:9"  # nothing answers there: these machines call no AWS


def addresses() -> Iterator[str]:
    """Yield addresses that nobody listens on, other ones in every test process."""
    for number in itertools.count(os.getpid() * 17):
        address = f"127.{100 + number // 250 // 250 % 100}.{number // 250 % 250 + 1}.{number % 250 + 2}"
        if not listening(address):
            yield address


def eventually(see: Callable[[], T], what: str, within: float = 60.0) -> T:
    """Look until what is seen is true, and return it; fail saying what was waited for."""
    deadline = time.monotonic() + within
    while not (seen := see()):
        assert time.monotonic() < deadline, f"not seen within {within} s: {what}"
        time.sleep(0.02)
    return seen


def spec(identity: str, address: str, user_data: str = "", *, role: str = "", tagged: bool = False) -> MachineSpec:
    return MachineSpec(
        id=identity,
        address=address,
        user_data=user_data.encode(),
        region="us-east-1",
        zone="us-east-1a",
        role=role,
        tags={"Name": "web"},
        tags_in_metadata=tagged,
        boot_seconds=0.0,
    )


def pid_in(path: Path) -> int:
    return int(path.read_text()) if path.exists() and path.read_text().strip() else 0
