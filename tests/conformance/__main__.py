"""Run the conformance tests where the environment variables say, and leave nothing behind.

python -m tests.conformance [options of pytest]    run them
python -m tests.conformance sweep [run]            remove what runs that are over have left, or one run's things
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from fabfile.errors import FabscaleError, UsageError
from tests.conformance.cloud import Cloud, entered, session_in
from tests.conformance.run import TAG, Run, is_over
from tests.conformance.sweep import remove
from tests.conformance.target import RUN, Embedded, Real, target

ROOT = Path(__file__).resolve().parents[2]
WORKERS = {"-n": "3", "--dist": "loadgroup"}  # each has a VPC of its own, and an account has five of them by default
SWEEP = "sweep"


def main(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run and return the exit code: pytest's own, 2 for a wrong account or wrong variables."""
    try:
        where = target(variables)
        if isinstance(where, Embedded):
            return _without_account(arguments, variables)
        with entered(where, session_in(where)) as cloud:
            if arguments[:1] == [SWEEP]:
                _sweep(cloud, _named(arguments[1]) if arguments[1:] else _is_over)
                return 0
            return _in_account(where, cloud, arguments, variables)
    except FabscaleError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _without_account(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    if arguments[:1] == [SWEEP]:
        raise UsageError(
            "sweep", "CONFORMANCE_ACCOUNT is not set, and the embedded cloud forgets by itself", "Set the 12 digits"
        )
    print("conformance: the embedded cloud", file=sys.stderr)
    return _tests(arguments, {name: value for name, value in variables.items() if name != RUN})


def _in_account(where: Real, cloud: Cloud, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    run = Run(datetime.now(UTC), os.getpid(), socket.gethostname())
    print(
        f"conformance: {where}, everything tagged {TAG}={run}/…\n"
        "conformance: some 60 small instances and 15 load balancers for minutes each, below 1 USD; "
        "an hour or two. Estimates: nobody has measured it yet",
        file=sys.stderr,
    )
    _sweep(cloud, _is_over)
    try:
        return _tests(arguments, {**variables, RUN: str(run)})
    finally:
        _sweep(cloud, run.owns)


def _tests(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run pytest. Ctrl-C reaches it too: it cleans up and ends, which is waited for."""
    workers = [part for option in WORKERS.items() for part in option]
    command = [sys.executable, "-m", "pytest", *workers, "tests/conformance", *arguments]
    tests = subprocess.Popen(command, cwd=ROOT, env=dict(variables))
    try:
        return tests.wait()
    except KeyboardInterrupt:
        return tests.wait()


def _sweep(cloud: Cloud, mine: Callable[[str], bool]) -> None:
    for one in remove(cloud, mine):
        print(f"conformance: removed {one} of {one.label}", file=sys.stderr)


def _is_over(label: str) -> bool:
    return is_over(label, datetime.now(UTC), socket.gethostname(), _alive)


def _named(run: str) -> Callable[[str], bool]:
    return lambda label: label.partition("/")[0] == run


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
