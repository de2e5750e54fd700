"""`fab scale`: what it makes of a command line."""

from __future__ import annotations

import pytest

from fabfile.errors import UsageError
from fabfile.rollout.wish import Wish
from fabfile.tasks.scaling import parse

from .conftest import Folder

USAGE = "Say fab scale:DEPLOYMENT,ENVIRONMENT,DESIRED, or …,DESIRED,MINIMUM,MAXIMUM."
FIT = "minimum <= desired <= maximum holds."


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("", "", ""), f"cannot scale: it was not said how many servers there are to be. {USAGE}"),
        (("four", "", ""), f"cannot scale: desired is a whole number of servers, not 'four'. {USAGE}"),
        (("-1", "", ""), f"cannot scale: desired is a whole number of servers, not '-1'. {USAGE}"),
        (("4", "2.5", ""), f"cannot scale: minimum is a whole number of servers, not '2.5'. {USAGE}"),
        (("4", "", "9999999"), f"cannot scale: maximum is a whole number of servers, not '9999999'. {USAGE}"),
        (("4", "5", ""), f"cannot scale to 4: that does not fit minimum 5. {FIT}"),
        (("4", "", "3"), f"cannot scale to 4: that does not fit maximum 3. {FIT}"),
        (("4", "5", "3"), f"cannot scale to 4: that does not fit minimum 5 and maximum 3. {FIT}"),
    ],
    ids=["nothing", "word", "negative", "fraction", "huge", "below-minimum", "above-maximum", "neither"],
)
def test_what_is_no_size_is_refused(words: tuple[str, str, str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(*words)
    assert str(raised.value) == message


def test_limits_that_are_left_out_stay_as_they_are() -> None:
    assert parse("4", "", "") == Wish(0, 4)
    assert parse("4", " 2", "8") == Wish(0, 4, 2, 8)


def test_a_wrong_size_is_met_before_aws_is_asked(project: Folder) -> None:
    ended = project.fab("scale:demo,staging,many")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"cannot scale: desired is a whole number of servers, not 'many'. {USAGE}\n"
