from __future__ import annotations
from collections.abc import Iterator
from typing import Any
from .autoscaling import Autoscaling
from .members import Members
from .patches import Patch
def stack_patches(autoscaling: Autoscaling, members: Members) -> Iterator[Patch]:
    return iter(())
