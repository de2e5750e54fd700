"""Make the running `fab` understand the classic form, group its list, and end with our exit codes.

Stock `fab` creates its program before it loads any tasks. Ours is a subclass, and the running program becomes one of
it while the tasks are loaded: everything that differs is in the methods below. They run once all tasks are known, so
that users' own tasks have the classic form as well.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from fabric.main import Fab
from invoke.exceptions import Exit, ParseError
from invoke.parser.parser import Parser

from ..config.naming import closest
from ..display.listing import Line, listing
from ..display.output import Output, standard_streams
from ..errors import ConfigError, UsageError
from .classic import Offer, rewrite
from .clock import SystemClock
from .declare import Declared
from .headings import HEADINGS
from .selection import read_config


class CommandLine(Fab):  # type: ignore[misc]  # Fabric has no types
    """Fabric's program with the classic form and with exit code 2 for a command line that is wrong."""

    def parse_tasks(self) -> None:
        """Parse what was typed, in either form."""
        try:
            super().parse_tasks()
        except UsageError as error:
            raise Exit(f"{error}{_config_hint(error)}", code=UsageError.exit_code) from None
        except ParseError as error:
            raise Exit(str(UsageError("read the command line", str(error))), UsageError.exit_code) from None

    def parse_cleanup(self) -> None:
        """Answer --help and --list; the task asked about may be written with dashes."""
        name = self.args.help.value
        if isinstance(name, str) and name not in self.parser.contexts:
            self.args.help.value = self._named(name)
        super().parse_cleanup()

    def list_flat(self) -> None:
        """List tasks under headings; as Invoke does where part of the tree was asked for."""
        if self.list_root or self.list_depth:
            super().list_flat()
            return
        clock = SystemClock()
        Output(standard_streams(), clock.now).result(listing(list(self._lines()), tuple(HEADINGS.values())))

    def _lines(self) -> Iterator[Line]:
        described = dict(self._make_pairs(self.scoped_collection))
        for shown, text in described.items():
            task: Any = self.collection.tasks.get(shown.partition(" ")[0])
            heading = task.group if isinstance(task, Declared) else ""
            yield Line(heading or "Your own tasks", shown, text or "")

    def _make_parser(self) -> Parser:
        """Rewrite the tokens between the making of the parser, which knows every task, and its work.

        Tasks hand out the texts of their options once, so that a second parser would have none for --help.
        """
        parser: Parser = super()._make_parser()
        # In place: Invoke keeps this very list.
        self.core.unparsed[:] = rewrite(self.core.unparsed, self._offers(parser), self.initial_context)
        return parser

    def _offers(self, parser: Parser) -> dict[str, Offer]:
        offers: dict[str, Offer] = {}
        for context in parser.contexts.values():
            offer = Offer(context, isinstance(self.collection[context.name], Declared))
            offers.update(dict.fromkeys((context.name, *context.aliases), offer))
        return offers

    def _named(self, name: str) -> str:
        plain = {known.replace("-", "_"): known for known in map(str, self.parser.contexts)}
        wanted = name.partition(":")[0].replace("-", "_")
        if wanted in plain:
            return plain[wanted]
        best = closest(wanted, plain)
        meant = f"Did you mean {best}? " if best else ""
        error = UsageError("show help", f"there is no task {name!r}", f"{meant}fab --list shows every task")
        raise Exit(str(error), UsageError.exit_code)


def adopt() -> None:
    """Turn the running `fab` into a `CommandLine`; nothing happens where none runs."""
    main = sys.modules.get("fabric.main")
    program: Any = getattr(main, "program", None)
    if type(program) is Fab:
        program.__class__ = CommandLine
        if hasattr(program, "config"):  # it has none until it runs
            _keep_underscores(program.config)


def _keep_underscores(config: Any) -> None:
    """Show tasks as they are written, as FabulAWS did; a project's own fabric.yaml is read later and wins."""
    defaults = config.global_defaults()
    defaults["tasks"]["auto_dash_names"] = False
    config.load_defaults(defaults)


def _config_hint(error: UsageError) -> str:
    """Say so when the task that is missing may be an environment of a config that cannot be read."""
    if "there is no task" not in error.seen:
        return ""
    try:
        read_config()
    except ConfigError as broken:
        return f"\nEnvironments are tasks too, but the configuration is broken: {broken}"
    return ""
