"""What is said to a paused deploy: `fab resume` and `fab repair` from another machine."""

from __future__ import annotations

import pytest

from fabfile.errors import RolloutFailed
from fabfile.rollout.trial import Approval
from fabfile.tasks.approving import heard


@pytest.mark.parametrize(
    ("granted", "says"),
    [
        (False, "cannot reject d-1: kim@laptop has approved it before, and the deploy of ann@ci goes on. "),
        (True, "cannot approve d-1: kim@laptop has rejected it before, and the deploy of ann@ci goes back. "),
    ],
)
def test_who_comes_after_somebody_that_said_the_opposite_is_told_so_by_a_failure(granted: bool, says: str) -> None:
    with pytest.raises(RolloutFailed) as failed:
        heard(Approval(not granted, "kim@laptop", 1.0), granted, "d-1", "ann@ci")
    assert str(failed.value) == says + "Look at `fab describe`; the first word counts."
    assert failed.value.exit_code == 4


def test_who_says_the_same_as_somebody_before_gets_what_was_wanted() -> None:
    assert heard(Approval(True, "kim@laptop", 1.0), True, "d-1", "ann@ci") == (
        "d-1 was approved: the deploy of ann@ci goes on"
    )
