"""What every task gets: the environment it is for, how it was asked, where to write, what to call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..config.environment import Environment, Provider
from ..errors import UsageError

if TYPE_CHECKING:
    from ..apply.world import Clock
    from ..aws.session import Aws
    from ..config.loading import Config
    from ..display.output import Output


@dataclass(frozen=True)
class Run:
    """One run of one task."""

    task: str
    output: Output
    clock: Clock
    read_config: Callable[[], Config]
    selected: Environment | None = None
    changes: bool = False  # whether it is the task's business to change something
    json: bool = False
    dry_run: bool = False
    yes: bool = False
    wait: float = 600.0  # seconds to queue for the deploy lock

    @property
    def environment(self) -> Environment:
        """The environment that the task is for."""
        if self.selected is None:
            raise UsageError(f"run {self.task}", "it was given no environment", "Name a deployment and an environment")
        return self.selected

    @cached_property
    def config(self) -> Config:
        """The whole configuration; raises `ConfigError` with every problem."""
        return self.read_config()

    def aws(self) -> Aws:
        """Return the account to call, unable to write unless the task changes something for real.

        The first call asks AWS whose credentials they are: a task that changes something, or one of an environment
        with an `account_id`, sends nothing else before that is known. Raises `UsageError` for another account.
        """
        return self._aws

    @property
    def changes_begun(self) -> bool:
        """Whether a call that changes the environment was sent; the lock's and the ledger's don't count."""
        if "_aws" not in self.__dict__:
            return False
        return any(not action.startswith(_HARMLESS) for action in self._aws.calls)

    @cached_property
    def _aws(self) -> Aws:
        from ..aws.identity import check_account  # noqa: PLC0415
        from ..aws.session import Aws  # noqa: PLC0415  (boto3 is slow to import, and most commands list or explain)

        endpoint = None
        if self.environment.provider is Provider.LOCAL:
            from ..localcloud.lifecycle import ensure_running  # noqa: PLC0415

            endpoint = ensure_running(self.environment.state, self.environment.local)
        read_only = self.dry_run or not self.changes
        aws = Aws(self.environment, endpoint_url=endpoint, read_only=read_only, task=self.task)
        if self.changes or self.environment.account_id:
            check_account(aws)
        return aws


_HARMLESS = (
    "Describe", "Get", "List", "Head", "BatchGet", "Query", "Scan", "Simulate", "Validate",
    "PutItem", "CreateTable", "UpdateItem", "DeleteItem", "TransactWriteItems",
)  # fmt: skip
