"""How the embedded cloud says no: AWS's own codes and messages."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class Refusal(ServiceException):
    """Refuse a call with an AWS error code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def invalid(message: str) -> Refusal:
    """Build the ValidationError that autoscaling and balancing answer for wrong input."""
    return Refusal("ValidationError", message)
