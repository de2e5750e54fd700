"""Requests are signed as AWS does it."""

from __future__ import annotations

import calendar
import time

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from fabfile.releases.server.sigv4 import Credentials, Scope, signed_headers

KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def test_awss_own_test_vector_get_vanilla() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-test-suite.html"""
    headers = signed_headers(
        "GET",
        "https://example.amazonaws.com/",
        {},
        b"",
        scope=Scope("service", "us-east-1"),
        credentials=Credentials(KEY, SECRET),
        now=calendar.timegm((2015, 8, 30, 12, 36, 0, 0, 0, 0)),
    )
    assert headers["Authorization"].endswith("5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")


@pytest.mark.parametrize(
    ("service", "method", "url", "headers", "body"),
    [
        ("s3", "GET", "http://127.0.0.1:5000/bundles/a%20b/%C3%A4-1.tar.gz", {"Range": "bytes=5-"}, b""),
        ("s3", "GET", "http://127.0.0.1:5000/bundles/key?versionId=a%2Fb&x=", {}, b""),
        ("autoscaling", "POST", "https://autoscaling.eu-west-1.amazonaws.com/", {"Content-Type": "a; b"}, b"Action=X"),
        ("ssm", "POST", "https://ssm.eu-west-1.amazonaws.com/", {"X-Amz-Target": "AmazonSSM.GetParameter"}, b"{}"),
    ],
)
def test_the_signature_is_the_one_that_botocore_makes(
    service: str, method: str, url: str, headers: dict[str, str], body: bytes
) -> None:
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    request.context["payload_signing_enabled"] = True
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(
        BotoCredentials(KEY, SECRET, "TOKEN"), service, "eu-west-1"
    )
    signer.add_auth(request)
    stamp = time.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
    ours = signed_headers(
        method,
        url,
        headers,
        body,
        scope=Scope(service, "eu-west-1"),
        credentials=Credentials(KEY, SECRET, "TOKEN"),
        now=calendar.timegm(stamp),
    )
    assert ours["Authorization"] == request.headers["Authorization"]
    assert SECRET not in repr(Credentials(KEY, SECRET, "TOKEN"))
