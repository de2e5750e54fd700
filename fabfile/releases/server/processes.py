"""The processes of a server: supervisord, and under it the application's one program.

Both are started through `exec` (a verb of this program), which composes the environment, notes which release the
process is of, and becomes the real command. So no secret stands in a configuration file, and a switch of releases needs
no new one.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template

from .appenv import command, environment
from .document import Document
from .failures import ServerError
from .layout import Layout, read_json, write
from .supervisor_client import SOCKET
from .together import die_with_parent, run_together

SUPERVISORD = "supervisord"

# A socket's path has at most 107 bytes (unix(7)); supervisord runs in the socket's folder.
_SHORT = f"/proc/self/cwd/{SOCKET}"

CONFIGURATION = Template("""\
[supervisord]
nodaemon=true
silent=true
logfile=$log/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile=$run/supervisord.pid
childlogdir=$log

[unix_http_server]
file=$socket
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[program:$program]
command=$command
autostart=true
autorestart=true
startsecs=1
startretries=5
stopsignal=TERM
stopwaitsecs=$stop_seconds
killasgroup=true
redirect_stderr=true
stdout_logfile=$log/$program.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
""")


def configure(layout: Layout, document: Document) -> Path:
    """Write supervisord's configuration and return its path."""
    path = layout.run / "supervisord.conf"
    values = {
        "log": layout.log,
        "run": layout.run,
        "socket": _SHORT if sys.platform == "linux" else layout.run / SOCKET,
        "program": document.program,
        "command": shlex.join(own_command(layout, "exec", document.program)),
        "stop_seconds": int(document.stop_seconds),
    }
    # supervisord takes "%" for the beginning of an expression of its own.
    write(path, CONFIGURATION.substitute({name: str(value).replace("%", "%%") for name, value in values.items()}))
    return path


def own_command(layout: Layout, *arguments: str) -> list[str]:
    """Return the command that runs this program again."""
    return [sys.executable, str(layout.program), *arguments]


def start_supervisord(layout: Layout, document: Document) -> subprocess.Popen[bytes]:
    """Start supervisord as a child in the foreground."""
    configure(layout, document)
    (layout.run / SOCKET).unlink(missing_ok=True)
    return subprocess.Popen(own_command(layout, "exec", SUPERVISORD), stdin=subprocess.DEVNULL)


def become(layout: Layout, name: str) -> None:
    """Replace this process by supervisord, or by the current release's program; does not return."""
    release = layout.linked(layout.current)
    document = layout.record(release)
    die_with_parent()
    if name == SUPERVISORD:
        configuration = str(layout.run / "supervisord.conf")
        commands = {name: [document.python, "-m", "supervisor.supervisord", "-n", "-c", configuration]}
        folder = layout.run
    else:
        commands = _commands(layout, document, name)
        folder = layout.release(release)
        write(layout.run / f"{name}.json", json.dumps({"pid": os.getpid(), "release": release}))
    os.chdir(folder)
    values = environment(layout, document)
    for words in commands.values():
        _check_program(document, name, words[0], values)
    if len(commands) > 1:
        sys.exit(run_together(commands, values))
    (arguments,) = commands.values()
    os.execvpe(arguments[0], arguments, values)  # noqa: S606 - no shell is wanted


def _commands(layout: Layout, document: Document, name: str) -> dict[str, list[str]]:
    """Return what a program runs: one command, or each of a worker's several (`worker-NAME`) by its name."""
    several = [each for each in document.commands if each.startswith(f"{name}-")]
    alone = "start" if name == "web" else name
    return {each: command(layout, document, each) for each in several or [alone]}


def _check_program(document: Document, name: str, program: str, environ: Mapping[str, str]) -> None:
    if shutil.which(program, path=environ.get("PATH")):
        return
    setting = "python" if program == document.python else f"application.{'start' if name == 'web' else name}"
    raise ServerError(f"start {name}", f"there is no {program} on this server", f"Check `{setting}` in the config")


def running_release(layout: Layout, name: str, pid: int) -> str:
    """Return the release that the process `pid` of a program is of, "" when that is not known."""
    noted = read_json(layout.run / f"{name}.json")
    return str(noted["release"]) if noted.get("pid") == pid else ""


def log_tail(layout: Layout, name: str, lines: int = 20) -> str:
    """Return the last lines of a program's log."""
    path = layout.log / f"{name}.log"
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65536))
        return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
