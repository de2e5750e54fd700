"""Gather every task into the collection that `fab` offers."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from invoke.collection import Collection

from ..config.loading import environment_names
from .command_line import adopt
from .declare import Declared
from .environment_tasks import environment_task
from .headings import HEADINGS
from .selection import config_path


def build() -> Collection:
    """Return the collection of every task, the environments among them, for a `fab` that understands it."""
    adopt()
    collection = task_collection()
    taken = frozenset(collection.tasks)
    for name in environment_names(config_path()):
        # One that is named like a task is an error that check_config reports; the task stays.
        if name.replace("-", "_") not in taken:
            collection.add_task(environment_task(name))
    return collection


def task_collection() -> Collection:
    """Return the collection of every task but the environments."""
    collection = Collection(auto_dash_names=False)
    package = __package__ or ""
    for name, heading in HEADINGS.items():
        if find_spec(f".{name}", package) is None:
            continue
        for task in vars(import_module(f".{name}", package)).values():
            if isinstance(task, Declared):
                task.group = heading
                collection.add_task(task)
    return collection
