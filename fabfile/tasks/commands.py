"""Run something on servers: a shell string, or a command of the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .declare import changing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..apply.servers import Server
    from ..config.environment import Environment
    from .run import Run

_SHELL = {"command": "What the login user's shell is to run there; a comma in it is written \\,"}
_MANAGE = {
    "command": 'A command of application.manage, e.g. "showmigrations questions"; a comma in it is written \\,',
    "roles": "Roles (web, worker), web groups or instance ids; one worker if left out, or one web server.",
}
# A server ends a command by itself a little later than we do, for the case that we are gone.
_GRACE_SECONDS = 5.0


@changing(help=_SHELL, own_first=True)
def run_shell_command(  # noqa: PLR0917  (its parameters are the command's options)
    run: Run,
    command: str = "",
    roles: str = "",
    instance: str = "",
    parallel: int = 10,
    timeout: float = 600.0,
    json: bool = False,
) -> None:
    """Run a shell command as the user who logs in, on every server or on those that are named.

    What servers write comes as they write it, each line after its server's id where there are several. Ctrl-C ends
    the command on the servers too.
    """
    from ..apply.program import shell_command  # noqa: PLC0415  (boto3 is slow to import)
    from .commanding import Command, carry_out, check_pace, chosen_servers  # noqa: PLC0415
    from .wiring import transport_of  # noqa: PLC0415

    _check_given(run, command, "uptime")
    check_pace(run, parallel, timeout)
    servers = chosen_servers(run, roles, instance)
    if run.dry_run:
        _foretell(run, servers, command)
        return
    argv = shell_command(command, timeout + _GRACE_SECONDS)
    carry_out(run, transport_of(run.environment), servers, Command(argv, timeout=timeout, at_once=parallel))


@changing(help=_MANAGE, own_first=True)
def managepy(  # noqa: PLR0917  (its parameters are the command's options)
    run: Run,
    command: str = "",
    roles: str = "",
    instance: str = "",
    parallel: int = 10,
    timeout: float = 3600.0,
    json: bool = False,
) -> None:
    """Run a command of the application (Django's manage.py), with its environment and secrets, on one worker.

    Nothing can be typed into it: give what it would ask for, or --noinput. Ctrl-C ends it on the server too.
    """
    from ..apply.program import calling_program  # noqa: PLC0415
    from .commanding import Command, carry_out, check_pace, chosen_servers  # noqa: PLC0415
    from .wiring import transport_of  # noqa: PLC0415

    _check_given(run, command, "check")
    check_pace(run, parallel, timeout)
    given = managing(run.environment, command, timeout + _GRACE_SECONDS)
    if roles or instance:
        servers = chosen_servers(run, roles, instance)
    else:
        found = chosen_servers(run, "", "")
        servers = tuple(sorted(found, key=lambda server: server.role != "worker")[:1])
    if run.dry_run:
        _foretell(run, servers, f"{' '.join(run.environment.application.manage)} {command}")
        return
    asked = Command(calling_program("manage"), given, timeout, parallel)
    carry_out(run, transport_of(run.environment), servers, asked)


def managing(environment: Environment, command: str, seconds: float) -> bytes:
    """Return what a server's program is asked; it goes by standard input, so that no log of commands has it.

    Raises `UsageError` where there is no such command, and for quotes that do not end.
    """
    import shlex  # noqa: PLC0415
    from json import dumps  # noqa: PLC0415

    from ..errors import UsageError  # noqa: PLC0415

    manage = environment.application.manage
    if not manage:
        seen = "application.manage of the config is none: the application has no such commands"
        raise UsageError("run managepy", seen, "fab run_shell_command runs any other")
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"run managepy {command}", str(error).lower(), "Close every quote") from error
    return dumps({"manage": list(manage), "arguments": arguments, "seconds": seconds}).encode() + b"\n"


def _check_given(run: Run, command: str, example: str) -> None:
    from ..errors import UsageError  # noqa: PLC0415

    if not command.strip():
        usage = f'Say fab ENVIRONMENT {run.task}:"{example}"'
        raise UsageError(f"run {run.task}", "it was not said which command", usage)


def _foretell(run: Run, servers: Sequence[Server], command: str) -> None:
    for server in servers:
        run.output.result(f"would run on {server.id} ({server.role}, {server.address}): {command}")
