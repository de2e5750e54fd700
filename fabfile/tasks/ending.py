"""How a task ends when it does not end well: one clear message and the right exit code."""

from __future__ import annotations

import os
import signal
import traceback
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from invoke.exceptions import Exit

from ..errors import FabscaleError, StoppedHalfway

if TYPE_CHECKING:
    from ..display.output import Output
    from .run import Run

INTERRUPTED = 130  # 128 + SIGINT, as shells count


class Ending:
    """Turn what a task raised into text on standard error and an exit code.

    FAB_DEBUG=1 shows the traceback as well. An interrupt, by Ctrl-C or SIGTERM, is exit code 6 once a change was
    under way.
    """

    run: Run | None = None

    def __init__(self, output: Output) -> None:
        self._output = output

    def __enter__(self) -> None:
        # CI ends a cancelled job so; without this the lock would stay taken until its lease runs out.
        self._previous = signal.signal(signal.SIGTERM, _interrupt)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGTERM, self._previous)
        self._output.clear()
        if error is None or isinstance(error, Exit | SystemExit):
            return
        if os.environ.get("FAB_DEBUG") == "1":
            self._output.error("".join(traceback.format_exception(error)).rstrip())
        raise Exit(code=self._tell(error)) from None

    def _tell(self, error: BaseException) -> int:
        if isinstance(error, FabscaleError):
            self._output.error(str(error))
            return error.exit_code
        if isinstance(error, KeyboardInterrupt):
            return self._interrupted()
        self._output.error(f"a bug: {type(error).__name__}: {error} ({_where(error)}). FAB_DEBUG=1 shows more.")
        return FabscaleError.exit_code

    def _interrupted(self) -> int:
        if self.run is None or not self.run.changes_begun:
            self._output.error("interrupted: nothing was changed.")
            return INTERRUPTED
        environment = f"{self.run.environment.deployment},{self.run.environment.name}"
        stopped = StoppedHalfway(
            f"finish {self.run.task}",
            "it was interrupted while a change was under way",
            f"Go on with fab resume:{environment}, or restore with fab repair:{environment}",
        )
        self._output.error(str(stopped))
        return stopped.exit_code


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "nowhere"
