"""Links by which a learner ends the reminders: who holds one may end those of that learner, and do nothing else."""

import base64
import binascii
import hmac
from hashlib import sha256
from uuid import UUID

from app.config import Settings

PATH = "/unsubscribe/"
_PURPOSE = b"7taps Analytics: unsubscribe from reminders\x00"
_ID_BYTES, _MAC_BYTES = 16, 32


def warnings_of(settings: Settings) -> list[str]:
    """What is wrong with the links of mails that really go out, in words; empty while mails go to the outbox."""
    if settings.smtp_url is None or settings.base_url.startswith("https://"):
        return []
    return [
        f"The links that end reminders begin with {settings.base_url}, which is not https: mail programs show no "
        "button for unsubscribing (RFC 8058), large providers may refuse the mails, and learners may not reach "
        "the address. Set PUBLIC_URL to the https address of this system."
    ]


def unsubscribe_url(settings: Settings, learner_id: UUID) -> str:
    """The link for this learner. It does not end, since mails are read years later."""
    return f"{settings.base_url}{PATH}{token_of(settings, learner_id)}"


def token_of(settings: Settings, learner_id: UUID) -> str:
    """The learner's id with its HMAC-SHA256, base64url: 64 characters. LookupError when no secret is set."""
    return base64.urlsafe_b64encode(learner_id.bytes + _mac(settings, learner_id.bytes)).decode()


def learner_of(settings: Settings, token: str) -> UUID | None:
    """The learner whose token this is; None when it is nobody's. Compared in constant time."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _ID_BYTES + _MAC_BYTES:
        return None
    learner, mac = raw[:_ID_BYTES], raw[_ID_BYTES:]
    try:
        expected = _mac(settings, learner)
    except LookupError:  # without a secret nothing was ever signed
        return None
    return UUID(bytes=learner) if hmac.compare_digest(mac, expected) else None


def _mac(settings: Settings, learner: bytes) -> bytes:
    secret = settings.mail_secret or settings.admin_token
    if not secret:
        raise LookupError("MAIL_SECRET is not set, nor is ADMIN_TOKEN. Links that end reminders are signed with one.")
    return hmac.digest(secret.encode(), _PURPOSE + learner, sha256)
