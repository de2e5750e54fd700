"""Ask one server of an environment to dump or to restore its database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..apply.program import calling_program
from ..errors import RolloutFailed, StoppedHalfway, Unreachable, UsageError
from ..transports.contract import Result, Transport

_MOST_SECONDS = 4 * 3600.0  # of 5 GiB, the most that a backup may have, that is 360 KB a second
_USAGE = 2  # what a program ends with that doesn't know the verb


class DatabaseServer:
    """A server that reaches the database; `place` is "deployment,environment"."""

    def __init__(self, transport: Transport, host: str, name: str, place: str) -> None:
        self._transport = transport
        self._host = host
        self._place = place
        self.name = name

    def ask(self, verb: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Have a dump made or sent; raises `Unreachable` with the server's own words."""
        return self._answer(f"back up the database of {self._place}", self._run(verb, request))

    def restore(self, request: Mapping[str, Any]) -> None:
        """Have the database replaced.

        Raises `RolloutFailed` when the server says that it was not, and `StoppedHalfway` when it doesn't say.
        """
        what = f"restore the database of {self._place}"
        result = self._run("restore", request)
        if result.error or not result.out.strip():
            self._refuse_old_program(what, result)
            seen = f"{self.name} did not say how it ended ({result.error or f'exit code {result.exit}'})"
            next_step = "The database is as it was, or whole as in the backup: look, and run the same command again"
            raise StoppedHalfway(what, seen, next_step)
        try:
            self._answer(what, result)
        except Unreachable as error:
            raise RolloutFailed(error.cannot, error.seen, error.next_step) from error

    def _run(self, verb: str, request: Mapping[str, Any]) -> Result:
        given = json.dumps(request).encode()
        (result,) = self._transport.run([self._host], calling_program(verb, "-"), input=given, timeout=_MOST_SECONDS)
        return result

    def _answer(self, what: str, result: Result) -> Mapping[str, Any]:
        if result.error:
            raise Unreachable(what, f"{self.name}: {result.error}", "Is it up, and does SSH reach it?")
        self._refuse_old_program(what, result)
        try:
            answer = json.loads(result.out)
        except ValueError:
            answer = {"error": f"it ended with exit code {result.exit}"}
        if not isinstance(answer, dict) or "error" in answer:
            seen = answer["error"] if isinstance(answer, dict) else "it answered no object"
            raise Unreachable(what, f"{self.name} says: {seen}")
        return answer

    def _refuse_old_program(self, what: str, result: Result) -> None:
        if result.exit == _USAGE and not result.out.strip():
            seen = f"the server program on {self.name} is older than this task"
            raise UsageError(what, seen, f"Run fab deploy_serial:{self._place} first")
