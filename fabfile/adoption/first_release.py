"""What would fail minutes later when the first release goes to a group made by hand, said before anything is built."""

from __future__ import annotations

import json

from ..apply.launch_configs import release_of
from ..aws.launch_templates import BASE, read_launch_config
from ..aws.permissions import profile_may
from ..aws.s3 import bucket_name
from ..aws.session import Aws
from ..config.environment import Environment
from ..errors import UsageError
from ..rollout.model import Group


def check_first_release(aws: Aws, environment: Environment, group: Group, *, migrates: bool) -> None:
    """Raise `UsageError` for a group whose servers run no release yet and could not get one.

    `migrates` says that a server which runs already is to migrate: one from before the adoption has no program for it.
    """
    config = read_launch_config(aws, group.launch_config)
    if config.name == BASE or release_of(config):
        return
    what = f"deploy the first release to {group.name}"
    releases = f"arn:aws:s3:::{bucket_name(aws)}/{environment.deployment}/*"
    named = json.loads(config.shape).get("IamInstanceProfile", {})
    profile = named.get("Arn") or named.get("Name", "")
    if not profile:
        next_step = f"Give it one whose role is allowed s3:GetObject on {releases}"
        raise UsageError(what, f"{group.launch_config} has no instance profile to fetch it with", next_step)
    if profile_may(aws, profile, "s3:GetObject", releases) is False:
        raise UsageError(what, f"the instance profile {profile} may not fetch it", f"Allow s3:GetObject on {releases}")
    if migrates:
        raise UsageError(
            what,
            "its servers were not made by Fabscale, so that none of them can migrate before new ones come",
            "Say --migrate-last, or --no-worker if nothing is to be migrated",
        )
