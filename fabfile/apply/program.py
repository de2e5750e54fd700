"""How the server program is called on a server, whatever its root folder and whoever logs in there."""

from __future__ import annotations

# The machine's root folder is a variable of its own sessions; where it is "/", only root may change a server.
_CALL = (
    'root="${FABSCALE_ROOT:-/}"; program="${root%/}/opt/fabscale/server.py"; '
    'if [ "$root" != / ] || [ "$(id -u)" = 0 ]; then exec python3 "$program" "$@"; '
    'else exec sudo -n python3 "$program" "$@"; fi'
)
_TAIL = 'root="${FABSCALE_ROOT:-/}"; tail -q -n 15 "${root%/}"/srv/app/shared/log/*.log 2>/dev/null'

# The caller's input ends when the caller does (see `transports.contract.Follower`); then, or after the time limit, all
# that the command started goes. What has left its session, such as a daemon, stays, and so does what it ran with sudo.
_WATCHED = (
    'exec 3<&0; setsid "${SHELL:-/bin/sh}" -c "$2" </dev/null 3<&- & command=$!; '
    '{ timeout "$1" cat; kill -s TERM -- "-$command"; sleep 5; kill -s KILL -- "-$command"; } '
    "<&3 >/dev/null 2>&1 3<&- & "
    'watcher=$!; exec 3<&-; wait "$command"; code=$?; kill "$watcher" 2>/dev/null; exit "$code"'
)

LOG_TAIL = ("sh", "-c", _TAIL)


def calling_program(*arguments: str) -> tuple[str, ...]:
    """Return the command that calls the server program with these arguments."""
    return ("sh", "-c", _CALL, "fabscale", *arguments)


def shell_command(command: str, seconds: float) -> tuple[str, ...]:
    """Return what runs a user's own shell string, as that user's shell would, and ends it with its caller."""
    return ("sh", "-c", _WATCHED, "sh", f"{seconds:.0f}", command)
