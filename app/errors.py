"""What can go wrong, each as a class that carries its HTTP status and a stable code.

A message says what was wrong, where (property path), and what would be right. The doors turn these into the one
JSON error shape (app/api/problems.py); nothing below the doors knows a status code other than through this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with what somebody sent.

    path: where, as a property path from the root of the body, `$` being the root itself: `object.definition.name`,
    `[3].actor.mbox` for the fourth statement of an array, `?statementId` for a query parameter, `X-… ` for a header.
    message: what was wrong, one sentence. expected: what would be right, one sentence.
    """

    path: str
    message: str
    expected: str = ""

    def sentence(self) -> str:
        """The problem as a single line for logs and dead letters."""
        told = f"{self.path}: {self.message.rstrip('.')}."
        return f"{told} Expected: {self.expected.rstrip('.')}." if self.expected else told


_WORDS = {
    "missing": ("is missing.", "A value: there is no default."),
    "extra_forbidden": ("is not known here.", "Only what the description of this door names."),
    "literal_error": ("is none of what it can be.", "One of {expected}."),
    "uuid_parsing": ("is no id.", "A UUID such as 0d2f6d1e-8c3b-4f5a-9b7e-1a2b3c4d5e6f."),
    "int_parsing": ("is no whole number.", "A whole number such as 10."),
}
"""By the type of pydantic's error: what is wrong, and what would be right."""


def problem_of(item: Mapping[str, Any], path: str) -> Problem:
    """An error of pydantic (one of its `errors()`) as a problem: in its words, or better ones for the commonest."""
    if known := _WORDS.get(item["type"]):
        message, expected = known
        return Problem(path, message, expected.format(**item.get("ctx", {})))
    return Problem(path, item["msg"].removeprefix("Value error, ").rstrip(".") + ".")


class AppError(Exception):
    """Base of every error that is told to a person. `status` is the HTTP status, `code` never changes its meaning."""

    status = 500
    code = "internal"
    title = "Something went wrong on our side"

    def __init__(self, message: str = "", problems: tuple[Problem, ...] | list[Problem] = ()):
        super().__init__(message or self.title)
        self.message = message or self.title
        self.problems = tuple(problems)


class Unreadable(AppError):
    """These bytes can never be stored as they are; trying again will not help. Quarantined, never retried."""

    status = 400
    code = "unreadable"
    title = "The body cannot be read as xAPI statements"


class BadRequest(AppError):
    """The request itself (a header, a query parameter) is wrong; its body was not looked at."""

    status = 400
    code = "bad_request"
    title = "The request is not right"


class NotAuthenticated(AppError):
    """No credentials, or credentials that prove nothing."""

    status = 401
    code = "not_authenticated"
    title = "Credentials are missing or not right"

    def __init__(self, message: str = "", challenge: str = 'Basic realm="xAPI", charset="UTF-8"'):
        super().__init__(message)
        self.challenge = challenge


class NotAllowed(AppError):
    """The credentials are right, but do not carry the scope."""

    status = 403
    code = "not_allowed"
    title = "These credentials may not do that"


class NotFound(AppError):
    """There is nothing here, or nothing that this viewer may see."""

    status = 404
    code = "not_found"
    title = "There is nothing here"


class Conflict(AppError):
    """The same id already stands for something else."""

    status = 409
    code = "conflict"
    title = "This id is already taken by something different"


class NotNow(AppError):
    """What was asked for is no step from where things are; the message says which steps there are."""

    status = 409
    code = "not_now"
    title = "That step is not open from here"


class Fixed(AppError):
    """What was to be changed cannot be written on this system."""

    status = 409
    code = "read_only"
    title = "This cannot be changed here"


class PreconditionFailed(AppError):
    """If-Match or If-None-Match does not hold: somebody else was here in between."""

    status = 412
    code = "precondition_failed"
    title = "The document is not in the state that the request expects"


class TooLarge(AppError):
    """The body is over the limit in the settings."""

    status = 413
    code = "too_large"
    title = "The body is too large"


class Unsupported(AppError):
    """The body is of a media type that is not read here."""

    status = 415
    code = "unsupported_media_type"
    title = "This Content-Type is not understood here"


class Unavailable(AppError):
    """Nothing can be made durable right now; the sender should come back after `retry_after_seconds`."""

    status = 503
    code = "unavailable"
    title = "The service cannot store anything right now; please send again"

    def __init__(self, message: str = "", retry_after_seconds: int = 5):
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
