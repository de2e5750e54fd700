"""Gather every task into the collection that `fab` offers."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from invoke.collection import Collection
from invoke.tasks import Task

# Modules of tasks, in the order of their headings in `fab --list`.
MODULES = (
    "environments",
    "launch_configs",
    "deploy",
    "upgrade",
    "autoscaling",
    "recovery",
    "describe",
    "history",
    "checking",
    "local",
)


def build() -> Collection:
    """Return the collection of every task, the environments among them."""
    collection = Collection()
    package = __package__ or ""
    for name in MODULES:
        if find_spec(f".{name}", package) is None:
            continue
        module = import_module(f".{name}", package)
        for task in vars(module).values():
            if isinstance(task, Task):
                collection.add_task(task)
    return collection
