"""`fab scale`: sizes of the web servers' group, also while a deploy is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .declare import changing

if TYPE_CHECKING:
    from ..rollout.wish import Wish
    from .run import Run

_HELP = {
    "desired": "How many web servers there are to be, whatever surge a running deploy has on its way.",
    "minimum": "The fewest there may be; left as it is if left out.",
    "maximum": "The most there may be; left as it is if left out.",
    "group_name": "Which group of web servers, where the config names several; create_environment's if left out.",
    "no_wait": "Return once AWS has accepted the sizes, before the servers are in service.",
}
_MOST_DIGITS = 6


@changing(help=_HELP)
def scale(  # noqa: PLR0917  (its parameters are the command's options)
    run: Run, desired: str = "", minimum: str = "", maximum: str = "", no_wait: bool = False, group_name: str = ""
) -> None:
    """Set how many web servers there are to be, and their limits, and wait until they are in service.

    A deploy that runs takes the sizes up at its next look and ends with them: it is not waited for.
    """
    from .resizing import Resizing  # noqa: PLC0415  (boto3 is slow to import)

    resizing = Resizing(run, parse(desired, minimum, maximum), group_name)
    if run.dry_run:
        resizing.foretell()
        return
    by = resizing.carry_out()
    if no_wait:
        run.output.result(resizing.line(by))
    else:
        run.output.result(resizing.see_in(by))


def parse(desired: str, minimum: str, maximum: str) -> Wish:
    """Return the sizes of a command line; raises `UsageError` for what is no size, or doesn't fit the others."""
    from ..errors import UsageError  # noqa: PLC0415
    from ..rollout.wish import Wish  # noqa: PLC0415

    given = {"desired": desired.strip(), "minimum": minimum.strip(), "maximum": maximum.strip()}
    usage = "Say fab scale:DEPLOYMENT,ENVIRONMENT,DESIRED, or …,DESIRED,MINIMUM,MAXIMUM"
    if not given["desired"]:
        raise UsageError("scale", "it was not said how many servers there are to be", usage)
    for name, text in given.items():
        if text and not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
            raise UsageError("scale", f"{name} is a whole number of servers, not {text!r}", usage)
    sizes = {name: int(text) if text else None for name, text in given.items()}
    low, wanted, high = sizes["minimum"], sizes["desired"], sizes["maximum"]
    assert wanted is not None
    if (low or 0) > wanted or (high is not None and wanted > high):
        limits = " and ".join(f"{name} {sizes[name]}" for name in ("minimum", "maximum") if sizes[name] is not None)
        raise UsageError(f"scale to {wanted}", f"that does not fit {limits}", "minimum <= desired <= maximum holds")
    return Wish(0, wanted, low, high)
