"""What CloudFormation's events say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fabfile.aws.cloudformation import StackEvent

RECORD = "{Name: _a1.debates.example.org.,Type: CNAME,Value: _b2.c3.acm-validations.aws.}"


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("Resource creation Initiated", ""),
        ("", ""),
        (f"Content of DNS Record is: {RECORD}", "_a1.debates.example.org. CNAME _b2.c3.acm-validations.aws."),
        ("Content of DNS Record is: {Name: _a, Type: CNAME, Value: _b}", "_a CNAME _b"),
    ],
    ids=["initiated", "nothing", "record", "with spaces"],
)
def test_the_record_that_a_certificate_waits_for_is_read_from_its_event(reason: str, wanted: str) -> None:
    type_ = "AWS::CertificateManager::Certificate"
    event = StackEvent("1", datetime.now(UTC), "Certificate", type_, "CREATE_IN_PROGRESS", reason)
    assert event.wanted_record == wanted
