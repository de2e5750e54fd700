"""How a task ends when a change was under way."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from invoke.exceptions import Exit

from fabfile.config.loading import load
from fabfile.display.output import Output, Streams
from fabfile.tasks.clock import SystemClock
from fabfile.tasks.ending import Ending
from fabfile.tasks.run import Run

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Account:
    """What a run needs of an account: which actions were called."""

    calls: Counter[str] = field(default_factory=Counter)


def interrupted(*actions: str) -> tuple[int, str]:
    """Interrupt a run that has called the actions; return the exit code and what was said."""
    config = load(ROOT / "fabulaws-config.yml")
    err = io.StringIO()
    output = Output(Streams(io.StringIO(), err), SystemClock().now)
    run = Run(
        task="deploy_serial", output=output, clock=SystemClock(), read_config=lambda: config,
        selected=config.environment("opendebates", "local"),
    )  # fmt: skip
    account: Any = Account(Counter(actions))
    run.__dict__["_aws"] = account
    ending = Ending(output)
    ending.run = run
    with pytest.raises(Exit) as raised, ending:
        raise KeyboardInterrupt
    return raised.value.code, err.getvalue()


def test_an_interrupt_while_a_change_is_under_way_is_exit_code_6() -> None:
    """And says which commands mend it."""
    assert interrupted("DescribeAutoScalingGroups", "LaunchInstances") == (
        6,
        "cannot finish deploy_serial: it was interrupted while a change was under way. "
        "Go on with fab resume:opendebates,local, or restore with fab repair:opendebates,local.\n",
    )


@pytest.mark.parametrize(
    "actions",
    [(), ("DescribeAutoScalingGroups", "SimulatePrincipalPolicy"), ("PutItem", "UpdateItem", "CreateTable")],
    ids=["none", "reads", "lock and ledger"],
)
def test_an_interrupt_before_any_change_is_a_shells_130(actions: tuple[str, ...]) -> None:
    """Taking the lock and writing the ledger change nothing of the environment."""
    assert interrupted(*actions) == (130, "interrupted: nothing was changed.\n")
