"""Reading unit files."""

from __future__ import annotations

import pytest

from fabfile.localcloud.machine.units import UnitError, parse, seconds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[Service]\n", "0 ExecStart lines where one is run"),
        ("[Service]\nExecStart=/a\nType=dbus\n", "Type=dbus is not known here: use simple, exec or oneshot"),
        ("[Service]\nExecStart=/a\nRestart=maybe\n", "Restart=maybe is not known here"),
        ("[Service]\nExecStart=/a 'b\n", "No closing quotation"),
        ("[Service]\nExecStart=/a\nRestartSec=soon\n", "'soon' is no time span"),
        ("[Service]\nExecStart=/a\nEnvironment=PLAIN\n", "'PLAIN' is no NAME=value"),
        ("[Service]\nwhat\n", "'what' is neither a section nor an assignment"),
    ],
)
def test_a_unit_that_cannot_be_run_says_why(text: str, reason: str) -> None:
    with pytest.raises(UnitError, match=reason):
        parse("x.service", text)


def test_directives_that_mean_nothing_here_are_listed() -> None:
    unit = parse("x.service", "[Unit]\nAfter=network.target\n[Service]\nExecStart=/a\nLimitNOFILE=5\nUser=web\n")
    assert unit.ignored == ("Service.LimitNOFILE", "Service.User")


def test_a_unit_is_read_as_systemd_reads_it() -> None:
    unit = parse(
        "x.service",
        "# comment\n[Service]\nExecStart=/old\nExecStart=\nExecStart=-/bin/run 'a b' \\\n  100%% ${X} $Y\n"
        'Environment="X=one two" Z=3\nRestart=on-failure\nRestartSec=1min 500ms\nType=oneshot\n',
    )
    assert unit.start.may_fail
    assert unit.environment == (("X", "one two"), ("Z", "3"))
    assert unit.start.expanded({"X": "one two", "Y": "p q"}) == ["/bin/run", "a b", "100%", "one two", "p", "q"]
    assert (unit.restart_after, unit.oneshot) == (60.5, True)


@pytest.mark.parametrize(
    ("restart", "status", "again"),
    [
        ("no", 1, False),
        ("always", 0, True),
        ("on-failure", 0, False),
        ("on-failure", 1, True),
        ("on-failure", -9, True),
        ("on-failure", -15, False),
        ("on-success", 0, True),
        ("on-success", 1, False),
    ],
)
def test_restart_depends_on_how_the_service_ended(restart: str, status: int, again: bool) -> None:
    assert parse("x.service", f"[Service]\nExecStart=/a\nRestart={restart}\n").restarts(status) is again


def test_a_listed_status_is_never_restarted() -> None:
    text = "[Service]\nExecStart=/a\nRestart=always\nRestartPreventExitStatus=4 5\n"
    assert not parse("x.service", text).restarts(4)


def test_time_spans_are_seconds_unless_they_say_otherwise() -> None:
    assert [seconds(text) for text in ("5", "250ms", "1min 30s", "infinity")] == [5, 0.25, 90, float("inf")]
