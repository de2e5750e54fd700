"""Deploys that did not end, as far as there is something left to finish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..apply.undertaking import of_groups_that_are_there
from ..aws.autoscaling import describe_group, exists

if TYPE_CHECKING:
    from ..apply.ledger_contract import Unfinished
    from .run import Run


def with_groups_that_are_there(run: Run, unfinished: tuple[Unfinished, ...]) -> tuple[Unfinished, ...]:
    """Return the deploys without groups that are there no more, or are others of the same name.

    What a deploy did to a group counts whether or not the config still names it.
    """
    aws, stack_group = run.aws(), run.environment.names.stack_group
    names = dict.fromkeys(intent.group or stack_group for each in unfinished for intent in each.intents)
    templates = {
        name: describe_group(aws, name).group.launch_config.partition(":")[0] for name in names if exists(aws, name)
    }
    found = of_groups_that_are_there(unfinished, templates, stack_group)
    for gone in names.keys() - {intent.group for each in found for intent in each.intents}:
        run.output.warning(f"the group {gone} of an unfinished deploy is gone: nothing of it is left to finish")
    return found
