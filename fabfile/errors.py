"""The tree of errors that users can meet, each with its exit code.

FabscaleError                  1  a bug: never raised itself on purpose
├── UsageError                 2  the command line or its surroundings are wrong
│   └── ConfigError            2  fabulaws-config.yml is wrong (carries every problem found)
├── LockHeld                   3  another deploy of the environment holds the lock
├── RolloutFailed              4  the rollout failed or was refused, and the service is safe
├── NotAsConfigured            4  what is there is not what the config says; nothing was changed
├── CommandFailed              4  a command failed on a server that was reached; the others are told of beside it
├── Unreachable                5  AWS, a balancer or an instance could not be reached
└── StoppedHalfway             6  stopped between two states: `fab resume` or `fab repair` is needed

Every message says: cannot *what*: *seen*. *do next*. Secrets never enter one.
"""

from __future__ import annotations


class FabscaleError(Exception):
    """Say what could not be done, what was seen, and what to do next."""

    exit_code = 1

    def __init__(self, cannot: str, seen: str, next_step: str = "") -> None:
        self.cannot = cannot
        self.seen = seen
        self.next_step = next_step
        super().__init__(cannot, seen, next_step)

    def __str__(self) -> str:
        text = f"cannot {self.cannot}: {self.seen.rstrip('.')}."
        if not self.next_step:
            return text
        return f"{text} {self.next_step}" if self.next_step[-1] in ".?!" else f"{text} {self.next_step}."


class UsageError(FabscaleError):
    """The command line, or what surrounds the process, is wrong; nothing was changed."""

    exit_code = 2


class ConfigError(UsageError):
    """The configuration is wrong; `problems` holds one line for each thing found."""

    def __init__(self, cannot: str, seen: str, next_step: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(cannot, seen, next_step)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join((super().__str__(), *(f"  {problem}" for problem in self.problems)))


class LockHeld(FabscaleError):
    """Another deploy of the same environment holds the lock."""

    exit_code = 3


class RolloutFailed(FabscaleError):
    """The rollout failed or was refused; the old fleet serves and the group points at it."""

    exit_code = 4


class NotAsConfigured(FabscaleError):
    """What is there is not what the config says; nothing was changed."""

    exit_code = 4


class CommandFailed(FabscaleError):
    """A command that was to run on servers failed on one that was reached."""

    exit_code = 4


class Unreachable(FabscaleError):
    """AWS, a balancer or an instance could not be reached or refused us; `passing` says whether to ask again helps."""

    exit_code = 5
    passing = True


class StoppedHalfway(FabscaleError):
    """The deploy stopped between two states; its undo is in the ledger."""

    exit_code = 6
