"""Who sends statements? Senders prove that they hold a registered key. For everybody else see app/access."""

import base64
import binascii
import hmac
import secrets
import threading
import time
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security.http import HTTPBase
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from app.accounts.credentials import KnownKey, active_keys, environment_key, note_check
from app.database import session_scope
from app.errors import NotAllowed, NotAuthenticated, Unavailable
from app.platform import clock, keys
from app.platform.logs import get_logger

log = get_logger(__name__)

MAX_CACHED_CREDENTIALS = 1_000
NEW_KEY_SECONDS = 1.0
NOTED_EVERY_SECONDS = 60.0

# A pair that is registered nowhere: what is compared when nothing that can be compared was presented.
_DUMMY = keys.new_key_pair()
_DUMMY_PUBLIC, _DUMMY_SECRET = keys.one_line(_DUMMY.public_pem), keys.one_line(_DUMMY.secret_pem)


class CredentialCheck:
    """Decides whether a user name and password are a registered key pair; remembers a yes for a short while.

    Registered keys are read from the database once per `cache_seconds`; so long may a revoked key still work. A new key
    works within a second.
    While the database is away the keys read last keep working, and the key of PUBLIC_PEM always does.
    """

    def __init__(self, public_pem: str | None, cache_seconds: float):
        own = environment_key(public_pem) if public_pem else None
        self._own = {own.id: own} if own else {}
        self._cache_seconds = cache_seconds
        self._pepper = secrets.token_bytes(32)
        self._proven: dict[bytes, tuple[KnownKey, float]] = {}
        self._table: dict[str, KnownKey] = {}
        self._table_read_at = float("-inf")
        self._noted_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def remembered(self, header: str) -> KnownKey | None:
        """The key that this Authorization header proved a moment ago. What is kept is a keyed hash, not the header."""
        found = self._proven.get(self._digest(header))
        return found[0] if found and found[1] > time.monotonic() else None

    def check(self, header: str) -> KnownKey:
        """The registered key that the Authorization header proves to hold. NotAuthenticated says what to send.

        Takes the same steps whichever half is wrong; their cost depends only on what was presented.
        """
        username, password = _basic_parts(header)
        public, public_readable = _body_or(username, _DUMMY_PUBLIC)
        secret, secret_readable = _body_or(password, _DUMMY_SECRET)
        try:
            fingerprint = keys.fingerprint(public)
        except ValueError:
            public_readable, fingerprint = False, keys.fingerprint(_DUMMY_PUBLIC)
        proven = keys.proves(secret, public)
        known = self._registered(self._cache_seconds).get(fingerprint)
        if known is None and proven:
            # A pair that fits and is not known may have been registered a moment ago.
            known = self._registered(min(self._cache_seconds, NEW_KEY_SECONDS)).get(fingerprint)
        # Every step above is taken before the first one that fails is looked at.
        if not (public_readable and secret_readable and proven) or known is None:
            raise NotAuthenticated(
                "User name and password are not a registered key pair. The user name is the public key on one line, "
                "the password the secret key that belongs to it."
            )
        with self._lock:
            if len(self._proven) >= MAX_CACHED_CREDENTIALS:
                self._proven.clear()
            self._proven[self._digest(header)] = (known, time.monotonic() + self._cache_seconds)
        self._note_use(known)
        return known

    def _note_use(self, known: KnownKey) -> None:
        """Write down that a key is in use, once a minute at most; what a request proved a moment ago never comes here.

        Statements that are sent are noted by the loader too; this one knows of those who only read.
        """
        now = time.monotonic()
        if known.id in self._own or now - self._noted_at.get(known.id, float("-inf")) < NOTED_EVERY_SECONDS:
            return
        self._noted_at[known.id] = now
        try:
            with session_scope() as db:
                note_check(db, known.id, clock.now())
        except SQLAlchemyError as error:
            log.warning("the use of a key could not be noted", error=str(error)[:300])

    def _registered(self, max_age_seconds: float) -> dict[str, KnownKey]:
        if time.monotonic() - self._table_read_at >= max_age_seconds:
            try:
                with session_scope() as db:
                    self._table = active_keys(db)
                self._table_read_at = time.monotonic()
            except SQLAlchemyError as error:
                log.warning("registered keys could not be read; the last ones stay", error=str(error)[:300])
                if not self._own and self._table_read_at == float("-inf"):
                    raise Unavailable("Credentials cannot be checked right now.") from error
        return self._table | self._own

    def _digest(self, header: str) -> bytes:
        return hmac.digest(self._pepper, header.encode("utf-8", "surrogateescape"), sha256)


# This only describes the doors in OpenAPI; the header is read by the function below.
_BASIC = HTTPBase(scheme="basic", scheme_name="Sender", description="Public key, secret key", auto_error=False)


async def verify_basic_credentials(request: Request, _described: Annotated[object, Security(_BASIC)]) -> KnownKey:
    """The key whose holder sent this request, by HTTP Basic. 401 with a challenge otherwise.

    User name: body of the public key on one line; password: body of the secret key on one line. Either may also be
    full PEM text. xAPI 1.0.3 Communication 4.0 asks for HTTP Basic.
    """
    header = request.headers.get("authorization", "")
    check: CredentialCheck = request.app.state.credential_check
    known = check.remembered(header)
    return known if known is not None else await run_in_threadpool(check.check, header)


def require_scope(key: KnownKey, scope: str) -> None:
    """NotAllowed (403) unless the key was given the scope."""
    if not key.may(scope):
        raise NotAllowed(f"The key “{key.name}” does not carry the scope {scope}.")


Sender = Annotated[KnownKey, Depends(verify_basic_credentials)]


def _basic_parts(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise NotAuthenticated("This needs HTTP Basic credentials: public key as user name, secret key as password.")
    try:
        username, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise NotAuthenticated("The Basic credentials are not base64 of user:password.") from error
    if not colon:
        raise NotAuthenticated("The Basic credentials hold no colon between user name and password.")
    return username, password


def _body_or(text: str, dummy: str) -> tuple[str, bool]:
    """The one-line body that somebody presented, or the dummy when it is none. Never looks for a file."""
    try:
        return keys.body_of(text), True
    except ValueError:
        return dummy, False
