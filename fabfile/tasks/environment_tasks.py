"""Make a task of every environment: `fab staging deploy_worker`."""

from __future__ import annotations

from invoke.context import Context

from .declare import Declared
from .options import DESCRIPTIONS
from .selection import Session

GROUP = "Environments, for the tasks that follow"


def environment_task(name: str) -> Declared:
    """Return the task that selects the environment for the tasks after it on the command line."""

    def select(context: Context, yes: bool = False, answer: str = "") -> None:
        session = Session(context)
        session.select(name)
        if yes or answer.lower() in {"y", "yes"}:
            session.confirm(name)

    select.__doc__ = f"Select {name}, e.g. fab {name} describe."
    texts = {option: DESCRIPTIONS[option] for option in ("yes", "answer")}
    task = Declared(select, name=name, positional=[], auto_shortflags=False, help=texts)
    task.group = GROUP
    return task
