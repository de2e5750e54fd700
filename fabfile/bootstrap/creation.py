"""Create or update an environment: the stack, then the first servers, in steps that may each be the last.

A process that dies anywhere is followed by the same command again: what is there is seen, what is missing is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..aws.cloudformation import ChangeSet
from .change import OnEvent, StackChange
from .template import Live, additions

Say = Callable[[str], None]


class LaunchConfigs(Protocol):
    """The launch template versions of an environment's roles."""

    def live(self) -> Live:
        """Return the versions that the groups point at; None for a group that never ran a release."""
        ...

    def first(self) -> Live:
        """Make the first version of every role, with a new release; the stack's outputs are there by then."""
        ...

    def renewed(self) -> Live:
        """Return the live versions, each replaced where the template's base is another one than it was made from."""
        ...


@dataclass(frozen=True)
class Creation:
    """The settings of one environment, ready to be created or updated."""

    change: StackChange
    launch_configs: LaunchConfigs
    body: str
    parameters: Callable[[Live], Mapping[str, str]]
    tags: Mapping[str, str]
    fill: Callable[[str], None]  # give the group its first version, and the servers that it is to begin with
    say: Say
    on_event: OnEvent

    def propose(self) -> ChangeSet:
        """Return what CloudFormation would do first; the first servers of a new environment come after it."""
        return self.change.propose(self.body, self.parameters(self.launch_configs.live()), self.tags)

    def foretell(self) -> ChangeSet:
        """Return what `propose` would, and leave nothing behind in the account."""
        if self.change.creates:
            # A change set for a stack that is not there would make an empty one.
            return self.change.addition(additions(self.body))
        proposed = self.propose()
        self.change.discard(proposed)
        return proposed

    def carry_out(self, proposed: ChangeSet) -> bool:
        """Carry the proposal out, then give the groups what they are to run; True when they are new."""
        if not proposed.empty:
            self.change.carry_out(proposed, self.on_event)
        live = self.launch_configs.live()
        new = live.web_version is None
        wanted = self.launch_configs.first() if new else self.launch_configs.renewed()
        if wanted == live:
            return False
        self.say(
            f"the groups get launch template version {wanted.web_version}"
            + (f" (web) and {wanted.worker_version} (worker)" if wanted.worker_version else "")
        )
        if new and wanted.web_version:
            # Not by the template: desired capacity that goes away again would be a change of the next update.
            self.fill(wanted.web_version)
        self._bring_in(wanted)
        return new

    def _bring_in(self, live: Live) -> None:
        """Let the stack know of the versions that the groups launch."""
        proposed = self.change.propose(self.body, self.parameters(live), self.tags)
        if proposed.empty:
            self.change.discard(proposed)
        else:
            self.change.carry_out(proposed, self.on_event)
