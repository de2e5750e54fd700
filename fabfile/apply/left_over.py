"""Deploys that did not end, as far as there is something left to finish."""

from __future__ import annotations

from collections.abc import Callable

from ..aws.autoscaling import describe_group, exists
from ..aws.session import Aws
from .ledger_contract import Ledger, Unfinished
from .undertaking import close, of_groups_that_are_there


def with_groups_that_are_there(
    aws: Aws, stack_group: str, unfinished: tuple[Unfinished, ...], warn: Callable[[str], None]
) -> tuple[Unfinished, ...]:
    """Return the deploys without groups that are there no more, or are others of the same name.

    What a deploy did to a group counts whether or not the config still names it.
    """
    names = dict.fromkeys(intent.group or stack_group for each in unfinished for intent in each.intents)
    templates = {
        name: describe_group(aws, name).group.launch_config.partition(":")[0] for name in names if exists(aws, name)
    }
    found = of_groups_that_are_there(unfinished, templates, stack_group)
    for gone in sorted(names.keys() - {intent.group for each in found for intent in each.intents}):
        warn(f"the group {gone} of an unfinished deploy is gone: nothing of it is left to finish")
    return found


def close_destroyed(aws: Aws, stack_group: str, ledger: Ledger, unfinished: tuple[Unfinished, ...], now: float) -> None:
    """Put on record that deploys ended with their environment; those of groups that are left stay unfinished."""
    left = with_groups_that_are_there(aws, stack_group, unfinished, warn=lambda _: None)
    ids = {each.record.id for each in left}
    over = tuple(each for each in unfinished if each.record.id not in ids)
    close(ledger, over, "the environment was destroyed", now)
