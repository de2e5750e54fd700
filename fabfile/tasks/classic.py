r"""Read the classic form of Fabric 1, `task:value,key=value`, and rewrite it into Invoke's flags.

    deploy_serial:opendebates,staging,migrate_last=yes
    → deploy_serial --deployment=opendebates --environment=staging --migrate-last

`\,` is a comma in a value, `\=` an equals sign in a value without a key; an equals sign after the first, or after what
can be no key (`migrate --database=replica`), belongs to the value. Flags are understood with underscores too, tasks
with dashes. What Invoke would take for something else than was meant (an empty value, a value that begins with a dash)
is refused here, for every task of ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext

from ..config.naming import closest
from ..errors import UsageError
from .gone import GONE

_CANNOT = "read the command line"
_MOST = 1e6  # seconds or requests: nothing of ours is meant to be larger, and a clock goes no further than year 9999
_KEY = re.compile(r"[A-Za-z_][\w-]*")
_TRUE = frozenset({"1", "true", "yes", "y", "on"})
_FALSE = frozenset({"0", "false", "no", "n", "off", ""})


@dataclass(frozen=True)
class Offer:
    """A task that can be named; one of ours refuses values that make no sense for any of its options."""

    context: ParserContext
    ours: bool

    @property
    def name(self) -> str:
        return str(self.context.name)

    @property
    def options(self) -> Mapping[str, Argument]:
        """The task's options by their names with underscores, in the order of its signature."""
        return {_plain(str(argument.name)): argument for argument in self.context.args.values()}


def rewrite(tokens: Sequence[str], offers: Mapping[str, Offer], core: ParserContext) -> list[str]:
    """Return the tokens with every classic task as flags; raises `UsageError` for what cannot be meant."""
    return list(_Rewriting(offers, core).rewrite(tokens))


class _Rewriting:
    """One pass over the tokens; `_offer` is the task whose options are being read."""

    def __init__(self, offers: Mapping[str, Offer], core: ParserContext) -> None:
        self._offers = {_plain(name): offer for name, offer in offers.items()}
        self._core = core
        self._offer: Offer | None = None
        self._positionals: list[Argument] = []

    def rewrite(self, tokens: Sequence[str]) -> Iterator[str]:
        rest = iter(tokens)
        for token in rest:
            if token.startswith("-") and len(token) > 1:
                yield from self._flag(token, rest)
            elif self._positionals:
                self._positionals.pop(0)
                yield token
            else:
                yield from self._task(token)

    def _task(self, token: str) -> Iterator[str]:
        name, _, arguments = token.partition(":")
        self._offer = self._find(name)
        given: dict[str, str] = {}
        for key, value in _split(arguments) if arguments else ():
            self._take(self._offer, given, key, value)
        self._positionals = [
            argument for argument in self._offer.context.positional_args if _plain(str(argument.name)) not in given
        ]
        yield self._offer.name
        for key, value in given.items():
            yield from _as_flags(self._offer, self._offer.options[key], value)

    def _find(self, name: str) -> Offer:
        offer = self._offers.get(_plain(name))
        if offer is None and _plain(name) in GONE:
            raise UsageError(f"run {name}", f"there is no such task any more: {GONE[_plain(name)]}")
        if offer is None:
            best = closest(_plain(name), self._offers)
            meant = f"Did you mean {best}? " if best else ""
            raise UsageError(_CANNOT, f"there is no task {name!r}", f"{meant}fab --list shows every task")
        return offer

    def _take(self, offer: Offer, given: dict[str, str], key: str | None, value: str) -> None:
        options = offer.options
        if key is None:
            free = [name for name in options if name not in given]
            if len(given) >= len(options) or not free:
                known = f"It takes at most {len(options)}: {', '.join(options)}" if options else "It takes none"
                raise UsageError(_CANNOT, f"{offer.name} was given too many values", known)
            key = list(options)[len(given)]
        name = _plain(key)
        if name not in options:
            raise UsageError(_CANNOT, f"{offer.name} has no option {key!r}", _nearest(offer, name))
        if name in given:
            raise UsageError(_CANNOT, f"{name} was given twice to {offer.name}")
        given[name] = value

    def _flag(self, token: str, rest: Iterator[str]) -> Iterator[str]:
        name, equals, value = token.partition("=")
        flag = f"--{name[2:].replace('_', '-')}" if name.startswith("--") else name
        offer = self._offer
        if offer is None:
            raise UsageError(_CANNOT, f"there is no option {token!r}", "fab --help shows the options")
        if flag in offer.context.flags:
            yield from self._own_flag(offer, flag, value if equals else None, rest)
        elif flag in offer.context.inverse_flags:
            yield flag
        elif flag in self._core.flags:
            argument = self._core.flags[flag]
            needs_next = argument.takes_value and not argument.optional and not equals
            yield from (flag, _following(flag, rest)) if needs_next else (token,)
        elif not flag.startswith("--") and (flag[:2] in offer.context.flags or flag[:2] in self._core.flags):
            yield token  # short flags in a row, which Invoke takes apart
        else:
            near = _nearest(offer, _plain(flag.lstrip("-")))
            raise UsageError(_CANNOT, f"{offer.name} has no option {flag}", near)

    def _own_flag(self, offer: Offer, flag: str, value: str | None, rest: Iterator[str]) -> Iterator[str]:
        argument: Argument = offer.context.flags[flag]
        if not argument.takes_value and value is not None:
            raise UsageError(_CANNOT, f"{flag} takes no value, and was given {value!r}")
        if argument in self._positionals:
            self._positionals.remove(argument)
        if not argument.takes_value or argument.optional:
            yield flag if value is None else f"{flag}={value}"
        else:
            yield from _as_flags(offer, argument, _following(flag, rest) if value is None else value)


def _following(flag: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        raise UsageError(_CANNOT, f"{flag} needs a value, and was given none")
    if value.startswith("-"):
        raise UsageError(_CANNOT, f"{flag} needs a value, and {value!r} begins with a dash")
    return value


def _as_flags(offer: Offer, argument: Argument, value: str) -> Iterator[str]:
    """Yield what Invoke understands; a list's commas have become several options before."""
    flag = _flag_of(argument)
    if not argument.takes_value:
        if value.lower() not in _TRUE | _FALSE:
            raise UsageError(_CANNOT, f"{argument.name} is yes or no, and was given {value!r}")
        on = value.lower() in _TRUE
        if on != bool(argument.default):
            yield flag if on else f"--no-{argument.names[0]}"
        return
    if offer.ours and not value.strip():
        raise UsageError(_CANNOT, f"{flag} was given an empty value", "Give it a value, or leave it out")
    if value.startswith("-") and (offer.ours or value in offer.context.flags):
        raise UsageError(_CANNOT, f"{flag} was given {value!r}, and no value of it begins with a dash")
    if argument.kind in {int, float}:
        _check_number(flag, argument, value, _MOST if offer.ours else math.inf)
    yield f"{flag}={value}"


def _check_number(flag: str, argument: Argument, value: str, most: float) -> None:
    words = {int: "a whole number", float: "a number"}
    try:
        number = argument.kind(value)
    except ValueError:
        raise UsageError(_CANNOT, f"{flag} is {words[argument.kind]}, and was given {value!r}") from None
    if not math.isfinite(number) or number > most:
        limit = f" up to {most:.0f}" if number > most else ""
        raise UsageError(_CANNOT, f"{flag} is {words[argument.kind]}{limit}, and was given {value!r}")


def _flag_of(argument: Argument) -> str:
    # Not `argument.name`, which is the parameter's, with underscores.
    name = str(argument.names[0])
    return f"--{name}" if len(name) > 1 else f"-{name}"


def _split(text: str) -> Iterator[tuple[str | None, str]]:
    r"""Yield (key or None, value) for each argument of `a,key=b\,c`."""
    key: str | None = None
    value = ""
    place = 0
    while place < len(text):
        if text[place : place + 2] in {"\\,", "\\="}:
            value += text[place + 1]
            place += 1
        elif text[place] == ",":
            yield key, value
            key, value = None, ""
        elif text[place] == "=" and key is None and _KEY.fullmatch(value.strip()):
            key, value = value.strip(), ""
        else:
            value += text[place]
        place += 1
    yield key, value


def _nearest(offer: Offer, name: str) -> str:
    best = closest(name, offer.options)
    flags = ", ".join(_flag_of(argument) for argument in offer.options.values()) or "none"
    return f"Did you mean {_flag_of(offer.options[best])}?" if best else f"Its options are {flags}"


def _plain(name: str) -> str:
    return name.replace("-", "_")
