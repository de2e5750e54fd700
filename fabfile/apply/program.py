"""How the server program is called on a server, whatever its root folder and whoever logs in there."""

from __future__ import annotations

# The machine's root folder is a variable of its own sessions; where it is "/", only root may change a server.
_CALL = (
    'root="${FABSCALE_ROOT:-/}"; program="${root%/}/opt/fabscale/server.py"; '
    'if [ "$root" != / ] || [ "$(id -u)" = 0 ]; then exec python3 "$program" "$@"; '
    'else exec sudo -n python3 "$program" "$@"; fi'
)
_TAIL = 'root="${FABSCALE_ROOT:-/}"; tail -q -n 15 "${root%/}"/srv/app/shared/log/*.log 2>/dev/null'

LOG_TAIL = ("sh", "-c", _TAIL)


def calling_program(*arguments: str) -> tuple[str, ...]:
    """Return the command that calls the server program with these arguments."""
    return ("sh", "-c", _CALL, "fabscale", *arguments)
