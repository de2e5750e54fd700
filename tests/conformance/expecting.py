"""What tests of AWS's API expect, in few words."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@contextmanager
def refused(code: str, *words: str) -> Iterator[pytest.ExceptionInfo[ClientError]]:
    """Expect AWS's refusal with this code and these words in its message."""
    with pytest.raises(ClientError) as refusal:
        yield refusal
    error = refusal.value.response["Error"]
    assert error["Code"] == code, error
    assert all(word in error["Message"] for word in words), error
