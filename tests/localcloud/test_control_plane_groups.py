"""Autoscaling groups when EC2 refuses to launch; the rest is in the conformance tests."""

from __future__ import annotations

from tests.localcloud.account import Account


def test_a_failed_launch_is_an_activity_and_is_tried_again(account: Account) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/CHAP_Troubleshooting.html"""
    account.template()
    account.order(action="launch", times=1, error="InsufficientInstanceCapacity")
    account.group(minimum=1)
    account.turn(6)
    assert list(account.states().values()) == ["InService"]
    failed = account.activities()[-1]
    assert failed["StatusCode"] == "Failed"
    assert "sufficient capacity" in failed["StatusMessage"]
