"""Propose a change of a stack, and carry it out with CloudFormation's events as progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from ..apply.world import Clock
from ..aws.cloudformation import Change, ChangeSet, Stack, StackEvent, Stacks
from ..errors import RolloutFailed, StoppedHalfway, UsageError

_POLL_SECONDS = 2.0
# What a stack can be in when an earlier creation failed: CloudFormation then only lets it be deleted.
_DEAD = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
_GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
# How far back events are read at each look: longer than a laptop's clock may be off.
_RECENT = timedelta(hours=1)

OnEvent = Callable[[StackEvent], None]


class StackChange:
    """One stack's changes; `poll` seconds between looks."""

    def __init__(self, stacks: Stacks, name: str, clock: Clock, poll: float = _POLL_SECONDS) -> None:
        self._stacks = stacks
        self._name = name
        self._clock = clock
        self._poll = poll

    def propose(self, body: str, parameters: Mapping[str, str], tags: Mapping[str, str]) -> ChangeSet:
        """Return a change set that is ready, or empty.

        Raises `UsageError` when CloudFormation refuses the template, or the stack can't be changed as it is.
        """
        stack = self._stacks.describe(self._name)
        if stack and stack.status in _DEAD:
            raise UsageError(
                f"change the stack {self._name}",
                f"it is {stack.status}: an earlier attempt failed ({stack.reason or 'no reason given'})",
                "Run `fab destroy_environment` for it, then create it again",
            )
        if stack and not stack.settled:
            self._settle(stack, lambda _: None, frozenset())
        creates = not (stack and stack.exists)
        proposed = self._stacks.propose(self._name, body, parameters, tags, creates=creates)
        while proposed.status in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
            proposed = self._stacks.look(proposed)
            if proposed.status in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
                self._clock.sleep(self._poll)
        if not proposed.ready and not proposed.empty:
            self._stacks.discard(proposed)
            raise UsageError(f"change the stack {self._name}", proposed.reason or proposed.status, "Mend the config")
        return proposed

    @property
    def creates(self) -> bool:
        """Whether there is no stack yet."""
        stack = self._stacks.describe(self._name)
        return stack is None or not stack.exists

    def addition(self, changes: tuple[Change, ...]) -> ChangeSet:
        """Return a change set that CloudFormation knows nothing of, for a stack that is not there yet."""
        return ChangeSet("", self._name, "CREATE_COMPLETE", changes=changes, creates=True)

    def discard(self, proposed: ChangeSet) -> None:
        self._stacks.discard(proposed)

    def carry_out(self, proposed: ChangeSet, on_event: OnEvent) -> Stack:
        """Execute a change set and wait until the stack has settled.

        Raises `RolloutFailed` when CloudFormation went back by itself, `StoppedHalfway` when it could not.
        """
        shown = self._event_ids(proposed.stack)
        self._stacks.execute(proposed)
        stack = self._stacks.describe(proposed.stack)
        if stack is None:
            raise StoppedHalfway(f"change the stack {self._name}", "it has gone", "Run the same command again")
        return self._settle(stack, on_event, shown)

    def delete(self, on_event: OnEvent) -> bool:
        """Delete the stack and wait until it is gone; False where there was none."""
        stack = self._stacks.describe(self._name)
        if stack is None or stack.status == "DELETE_COMPLETE":
            return False
        shown = self._event_ids(stack.id)
        self._stacks.delete(stack.id)
        failures = self._follow(stack.id, on_event, shown)
        ended = self._stacks.describe(stack.id)
        if ended is not None and ended.status != "DELETE_COMPLETE":
            raise StoppedHalfway(
                f"delete the stack {self._name}",
                f"it is {ended.status}: {_first(failures) or ended.reason or 'no reason given'}",
                "Mend that and run the same command again",
            )
        return True

    def _settle(self, stack: Stack, on_event: OnEvent, shown: frozenset[str]) -> Stack:
        failures = self._follow(stack.id, on_event, shown)
        ended = self._stacks.describe(stack.id)
        if ended is None:
            raise StoppedHalfway(f"change the stack {self._name}", "it has gone", "Run the same command again")
        if ended.status in _GOOD:
            return ended
        seen = f"it is {ended.status}: {_first(failures) or ended.reason or 'no reason given'}"
        if ended.status in {"UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE"}:
            raise RolloutFailed(
                f"change the stack {self._name}", seen, "CloudFormation went back to how it was; mend that"
            )
        raise StoppedHalfway(f"change the stack {self._name}", seen, "See its events in CloudFormation")

    def _follow(self, stack_id: str, on_event: OnEvent, shown: frozenset[str]) -> list[StackEvent]:
        """Show events not in `shown` until the stack has settled; return those that tell of failures."""
        failures: list[StackEvent] = []
        known = set(shown)
        while True:
            # The status first: what settled it is then surely among the events read after it.
            stack = self._stacks.describe(stack_id)
            for event in self._stacks.events(stack_id, self._recent()):
                if event.id in known:
                    continue
                known.add(event.id)
                on_event(event)
                if event.failed and "cancelled" not in event.reason:
                    failures.append(event)
            if stack is None or stack.settled:
                return failures
            self._clock.sleep(self._poll)

    def _event_ids(self, stack: str) -> frozenset[str]:
        return frozenset(event.id for event in self._stacks.events(stack, self._recent()))

    def _recent(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC) - _RECENT


def _first(failures: list[StackEvent]) -> str:
    return f"{failures[0].resource}: {failures[0].reason}" if failures else ""
