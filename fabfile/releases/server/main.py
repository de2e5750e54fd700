"""The verbs of the server program; each that answers prints one JSON object."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from . import control, databases, managing, migrations, supervising
from .asking import ask_pages
from .boot import boot
from .failures import ServerError
from .layout import Layout
from .processes import become


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code.

    0 done; 1 not done, the reason on standard error and as {"error": …}; 2 usage; 3 the launch was abandoned.
    """
    options = _parser().parse_args(arguments)
    layout = Layout.from_environ()
    try:
        _become_owner(layout)
        if options.verb == "boot":
            return boot(layout)
        if options.verb == "exec":
            become(layout, options.program)
        if options.verb == "run-migrations":
            return migrations.run(layout, options.release)
        if options.verb == "manage":
            return managing.manage(layout, sys.stdin.buffer)
        answer = _answer(layout, options)
    except (ServerError, OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"fabscale: {error}\n")
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer, sort_keys=True) + "\n")
    return 1 if "error" in answer else 0


def _answer(layout: Layout, options: argparse.Namespace) -> dict[str, Any]:
    verbs: dict[str, Callable[[], dict[str, Any]]] = {
        "install": lambda: control.install(layout, control.load(options.source)),
        "static": lambda: control.add_static(layout, control.load(options.source)),
        "stop-worker": lambda: control.stop_worker(layout, options.limit),
        "start-worker": lambda: control.start(layout, "worker", options.release),
        "switch": lambda: control.start(layout, layout.wanted().program, options.release),
        "migrate": lambda: migrations.migrate(layout, options.release, options.again, options.anew),
        "supervise": lambda: supervising.supervise(layout, options.action, options.program),
        "ask": lambda: ask_pages(layout, control.load(options.source)),
        "dump": lambda: databases.dump(layout, control.load(options.source)),
        "send": lambda: databases.send(layout, control.load(options.source)),
        "restore": lambda: databases.restore(layout, control.load(options.source)),
        "status": lambda: control.status(layout, options.release),
    }
    return verbs[options.verb]()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fabscale", description="Runs one release of an application on this server.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("boot", help="install, start, tell the group when ready, and stay")
    for verb, text in (
        ("install", "put the release of a server.json on this server, beside the running one"),
        ("ask", "ask the application for pages: {'paths': […], 'requests': 20, 'timeout': 5}"),
        ("dump", "write the database to a file on this server: {'id': …}"),
        ("send", "send that file to an address, and remove it: {'id', 'url', 'headers'}"),
        ("restore", "replace the database by the dump at an address: {'id', 'url', 'sha256'}"),
        ("static", "add another release's static files: {'static': [{'key', 'sha256'}, …]}"),
    ):
        verbs.add_parser(verb, help=text).add_argument("source", help="a file, '-', or the JSON object itself")
    stop = verbs.add_parser("stop-worker", help="let the worker finish its job and stop")
    stop.add_argument("--limit", type=float, default=600.0, help="seconds to wait for that")
    for verb, text in (
        ("start-worker", "switch the worker to an installed release and start it"),
        ("switch", "switch to an installed release and restart the program"),
        ("migrate", "start a release's migrations, detached"),
        ("run-migrations", "run them in the foreground (used by migrate)"),
    ):
        verbs.add_parser(verb, help=text).add_argument("--release", required=True)
    verbs.choices["migrate"].add_argument("--again", action="store_true", help="also if they failed before")
    verbs.choices["migrate"].add_argument("--anew", action="store_true", help="also if they were done before")
    verbs.add_parser("manage", help="run a command of the application; its input's first line says which")
    supervise = verbs.add_parser("supervise", help="start, stop or restart this server's program")
    supervise.add_argument("action", choices=supervising.ACTIONS)
    supervise.add_argument("program")
    verbs.add_parser("status", help="what is here and what runs").add_argument("--release", default="")
    verbs.add_parser("exec", help="become a program (used by supervisord)").add_argument("program")
    return parser


def _become_owner(layout: Layout) -> None:
    """Go on as the user that owns the application, whoever logged in: its files and its supervisord are that user's."""
    if not layout.app.exists():
        return
    owner = layout.app.stat().st_uid
    if owner != os.geteuid():
        own = [sys.executable, str(layout.program), *sys.argv[1:]]
        # No shell: the arguments go on as they came.
        os.execvp("sudo", ["sudo", "-n", "-u", f"#{owner}", "--", *own])  # noqa: S606
