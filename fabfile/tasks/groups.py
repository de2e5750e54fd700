"""Which of an environment's web groups a task is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config.naming import nearest
from ..errors import UsageError

if TYPE_CHECKING:
    from .run import Run


def chosen_groups(run: Run, groups: str) -> tuple[str, ...]:
    """Return the groups that `--groups a,b` names, in that order, or all in the config's order.

    Raises `UsageError` for one that the config does not name, or that is named twice.
    """
    known = run.environment.names.auto_scaling_groups
    chosen = tuple(filter(None, (name.strip() for name in groups.split(","))))
    for name in chosen:
        if name not in known:
            raise UsageError(f"run {run.task}", f"there is no group {name!r}", nearest(name, known, "groups"))
        if chosen.count(name) > 1:
            raise UsageError(f"run {run.task}", f"the group {name!r} is named twice", "Name each group once")
    if groups and not chosen:
        raise UsageError(f"run {run.task}", "--groups names no group", nearest("", known, "groups"))
    return chosen or known
