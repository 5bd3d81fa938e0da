"""Passwords of accounts: which ones are taken, and how they are kept (OWASP ASVS 4.0.3, V2.1 and V2.4)."""

import unicodedata
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import BadRequest, Problem, Unavailable

LEAST_CHARACTERS = 12
MOST_CHARACTERS = 128
LEAST_GUESSES = 10**8
"""A password that the estimate says is found in fewer guesses is refused; lists of common ones are tried first."""
_ESTIMATED_CHARACTERS = 72
_AT_ONCE = BoundedSemaphore(4)
_PATIENCE_SECONDS = 10.0

# OWASP's second recommendation for argon2id: 19 MiB, 2 passes, 1 lane; four at once bound the memory of a process.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_DUMMY = _HASHER.hash("what a password is compared with where there is no account")


def hashed(password: str) -> str:
    """The argon2id hash, with its salt and parameters."""
    with _Turn():
        return _HASHER.hash(_normal(password))


def fits(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one of the hash. Without a hash it takes as long, and says no."""
    try:
        with _Turn():
            return _HASHER.verify(password_hash or _DUMMY, _normal(password)) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def check_new(password: str, account_name: str) -> None:
    """BadRequest, saying why, when a password is too short, too long, common, easily guessed, or the name."""
    if (why := _why_not(password, account_name)) is not None:
        raise BadRequest(
            f"The password {why}",
            [Problem("password", why, "Several words that do not belong together, or what a password manager makes.")],
        )


def _why_not(password: str, account_name: str) -> str | None:
    normal = _normal(password)
    if len(normal) < LEAST_CHARACTERS:
        return f"has fewer than {LEAST_CHARACTERS} characters."
    if len(normal) > MOST_CHARACTERS:
        return f"has more than {MOST_CHARACTERS} characters."
    if account_name.casefold() in normal.casefold() and len(normal) - len(account_name) < LEAST_CHARACTERS:
        return "is little more than the name of the account."
    # Imported where it is needed: its lists take memory that a process which sets no password can do without.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    told = zxcvbn(normal[:_ESTIMATED_CHARACTERS], user_inputs=[account_name, "7taps", "analytics"])
    if told["guesses"] < LEAST_GUESSES:
        return f"is easily guessed. {told['feedback']['warning']}".strip()
    return None


def _normal(password: str) -> str:
    """The same password however a keyboard puts its letters together (NIST SP 800-63B 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


class _Turn:
    """Bounds how many hashes are computed at once, and how long somebody waits for their turn."""

    def __enter__(self) -> None:
        if not _AT_ONCE.acquire(timeout=_PATIENCE_SECONDS):
            raise Unavailable("Too many people are logging in at this moment. Please try again.")

    def __exit__(self, *_: object) -> None:
        _AT_ONCE.release()
