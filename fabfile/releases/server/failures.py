"""The program's own error: like Fabscale's, it says what could not be done, what was seen, and what to do next."""

from __future__ import annotations


class ServerError(Exception):
    """Say what the server could not do; the text goes to the console and to the deployer, so never a secret."""

    def __init__(self, cannot: str, seen: str, next_step: str = "") -> None:
        self.cannot = cannot
        self.seen = seen
        self.next_step = next_step
        super().__init__(cannot, seen, next_step)

    def __str__(self) -> str:
        text = f"cannot {self.cannot}: {self.seen.rstrip('.')}."
        return f"{text} {self.next_step.rstrip('.')}." if self.next_step else text


class OutOfReachError(ServerError):
    """The other side did not answer, or not sensibly, in any of the attempts."""


class RefusedError(ServerError):
    """The other side answered, and the answer is no; asking again would not help."""

    def __init__(self, cannot: str, seen: str, next_step: str = "", code: str = "") -> None:
        super().__init__(cannot, seen, next_step)
        self.code = code
