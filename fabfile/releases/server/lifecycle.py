"""The group's launch hook: the server completes it once it is ready, or abandons the launch.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/completing-lifecycle-hooks.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .calls import Services
from .failures import RefusedError, ServerError

VERSION = "2011-01-01"
HEARTBEAT = 60.0  # seconds; the shortest heartbeat timeout that AWS accepts for a hook is 30, its default an hour
PATIENCE = 60.0  # seconds in which a machine that is faster than its group waits for the hook to begin
AGAIN = 1.0


@dataclass(frozen=True)
class LaunchHook:
    """The hook that holds this instance's launch; without a group or a name every call does nothing."""

    services: Services
    instance: str
    group: str = ""
    name: str = ""
    patience: float = PATIENCE

    def complete(self, result: str) -> str:
        """Answer CONTINUE or ABANDON and return a sentence for the console.

        "No active lifecycle action" is asked again for a while, since a group may learn that an instance runs
        after it does; then it means that nobody waits: a reboot, or an answer that was lost and had arrived.
        """
        if not (self.group and self.name):
            return "no launch hook waits for this server"
        until = time.monotonic() + self.patience
        while True:
            try:
                self._call("CompleteLifecycleAction", LifecycleActionResult=result)
            except RefusedError as refused:
                if refused.code != "ValidationError" or time.monotonic() > until:
                    return f"{result} was not taken by hook {self.name}: {refused.seen}"
                time.sleep(AGAIN)
            except ServerError as error:
                return f"{result} did not reach hook {self.name}: {error.seen}"
            else:
                return f"hook {self.name} of {self.group} was told {result}"

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Record heartbeats while the block runs, so that a long boot is not taken for a dead one."""
        ended = threading.Event()
        if self.group and self.name:
            threading.Thread(target=self._beat, args=(ended,), daemon=True).start()
        try:
            yield
        finally:
            ended.set()

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(HEARTBEAT):
            try:
                self._call("RecordLifecycleActionHeartbeat")
            except ServerError:
                continue  # the next one may get through; the hook's own timeout is what counts

    def _call(self, action: str, **parameters: str) -> None:
        named = {"AutoScalingGroupName": self.group, "LifecycleHookName": self.name, "InstanceId": self.instance}
        self.services.query("autoscaling", VERSION, action, {**named, **parameters})
