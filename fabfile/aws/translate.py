"""Turn boto3's exceptions into the project's, with AWS's own code and message in the text.

A refusal keeps AWS's code, `Refused.code`, for callers that tell some apart; what is not there is `Missing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from ..errors import FabscaleError, Unreachable, UsageError

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_REJECTED = frozenset(
    {
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "Client.UnauthorizedOperation",
        "403",
        "Forbidden",
    }
)
# A HEAD request's answer has no text to name the right in.
_RIGHTS = {"HeadBucket": "s3:ListBucket", "HeadObject": "s3:GetObject or s3:ListBucket"}
_NAMED_RIGHT = re.compile(r"User: (\S+) is not authorized to perform: (\S+)(?: on resource: (\S+))?")
_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "SlowDown",
        "RequestThrottled",
        "RequestThrottledException",
    }
)
_SERVER_ERROR = 500  # from here on AWS does not say whether the call took effect
_ABSENT = ("NotFound", "NoSuch", "404")


class Refused(Unreachable):
    """AWS answered and refused; `code` and `message` are its own."""

    def __init__(self, cannot: str, code: str, message: str, next_step: str = "") -> None:
        super().__init__(cannot, f"AWS answered {code}: {message}", next_step)
        self.code = code
        self.message = message


class Missing(Refused):
    """What was asked for does not exist."""


class Denied(Refused):
    """The caller's policies do not allow it; `right` is what is missing, as policies name it, "" if AWS keeps it."""

    passing = False

    def __init__(self, cannot: str, code: str, message: str, operation: str, place: str) -> None:
        super().__init__(cannot, code, message, "Add it: fab iam_policy prints the policy that deploys need")
        found = _NAMED_RIGHT.search(message)
        self.right = found[2] if found else _RIGHTS.get(operation, "")
        if self.right:
            who, resource = (found[1], found[3]) if found else ("the caller", "")
            on = f" on {resource}" if resource else ""
            self.seen = f"{who} is not allowed to {self.right}{on}{place}"


class Throttled(Refused):
    """AWS limits how often the account may call, and retries were not enough."""


class Uncertain(Unreachable):
    """No answer came; whether the call took effect is unknown until the world is looked at again."""


class ReadOnlyError(FabscaleError):
    """A session that may only read was asked to write: a bug in what asked."""


@contextmanager
def calling(what: str, where: str = "") -> Iterator[None]:
    """Raise the project's errors in place of boto3's, for a call that does `what`: "describe the group X".

    `where` names profile and region (`Aws.calling` fills it in). Raises `Refused` (`Missing`, `Throttled`)
    with AWS's code, `Uncertain` without an answer, `Unreachable` for credentials, `UsageError` for a profile.
    """
    try:
        yield
    except boto.ClientError as error:
        raise _refusal(what, where, error) from error
    except boto.BotoCoreError as error:
        raise _failure(what, where, error) from error
    except ResponseParserError as error:
        raise Uncertain(what, f"the answer was no AWS answer ({where or 'AWS'})", "Check what serves it") from error


def _refusal(what: str, where: str, error: boto.ClientError) -> Unreachable:
    details = error.response.get("Error", {})
    code = str(details.get("Code", "Unknown"))
    message = str(details.get("Message", "")) or "no message"
    place = f" ({where})" if where else ""
    if code in _EXPIRED:
        return Unreachable(what, f"the AWS credentials have expired{place}", "Renew them and run it again")
    if code in _REJECTED:
        # The message may quote the canonical request, and with it parts of the credentials.
        return Unreachable(what, f"AWS rejects the credentials ({code}){place}", "Check the access key")
    if code in _DENIED:
        return Denied(what, code, message, error.operation_name, place)
    if code in _THROTTLED:
        return Throttled(what, code, message, "Run it again later")
    if any(mark in code for mark in _ABSENT):
        return Missing(what, code, message)
    unclear = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERROR
    return Uncertain(what, f"AWS answered {code}: {message}{place}") if unclear else Refused(what, code, message)


def _failure(what: str, where: str, error: boto.BotoCoreError) -> FabscaleError:
    place = f" ({where})" if where else ""
    if isinstance(error, boto.ProfileNotFound):
        return UsageError(what, str(error), "Set `profile` or AWS_PROFILE to one of `aws configure list-profiles`")
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return Unreachable(
            what,
            f"there are no AWS credentials{place}",
            "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use `provider: local`",
        )
    if isinstance(error, _LOGINS):
        return Unreachable(what, f"the AWS login has expired or failed{place}", "Run `aws sso login`")
    if isinstance(error, boto.ParamValidationError):
        return UsageError(what, str(error).replace("\n", " "))
    if isinstance(error, _NO_ANSWER):
        return Uncertain(what, f"no answer from AWS{place}: {error}", "Check the network and run it again")
    return Unreachable(what, f"{type(error).__name__}{place}: {error}")


_LOGINS = (
    boto.CredentialRetrievalError,
    boto.SSOError,
    boto.TokenRetrievalError,
    boto.UnauthorizedSSOTokenError,
    boto.NoAuthTokenError,
    boto.RefreshWithMFAUnsupportedError,
)
_NO_ANSWER = (
    boto.HTTPClientError,
    boto.ConnectionError,
    boto.IncompleteReadError,
    boto.ResponseStreamingError,
)
