"""Who is this actor? From an xAPI Agent to the identifiers by which the person may be known. Pure: no database."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha1
from typing import Any
from uuid import UUID

from app.platform.ids import stable_id

_PHONE = re.compile(r"\+?[\d ().-]{7,24}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier of a person. kind: mbox, mbox_sha1sum, openid, account, phone; value: normalised."""

    kind: str
    value: str

    @property
    def key(self) -> UUID:
        """The key under which public.user_identifiers knows it."""
        return stable_id(self.kind, self.value)


@dataclass(frozen=True, slots=True)
class Person:
    """What a statement says of its actor. identifiers: the one it gave first, then those that follow from it."""

    actor_key: str
    identifiers: tuple[Identifier, ...]
    name: str | None
    email: str | None
    phone: str | None


def person_of(actor: Mapping[str, Any]) -> Person | None:
    """The person that an Agent stands for; None for a Group, which is several or nobody.

    E-mail addresses are compared in lower case (senders repeat them in mixed case). An mbox implies its sha1sum, in
    the case as sent and in lower case, so that a sender who hides addresses still means the same person. An account
    whose name is a phone number or an e-mail address, as phone-only 7taps learners are sent, implies that.
    """
    if actor.get("objectType", "Agent") != "Agent":
        return None
    name = actor.get("name")
    name = name if isinstance(name, str) and name.strip() else None
    if isinstance(mbox := actor.get("mbox"), str):
        address = mbox[len("mailto:") :] if mbox.lower().startswith("mailto:") else mbox
        found = email_identifiers(address)
        return Person(f"mbox:{found[0].value}", found, name, address.lower(), None)
    if isinstance(digest := actor.get("mbox_sha1sum"), str):
        identifier = Identifier("mbox_sha1sum", digest.lower())
        return Person(f"mbox_sha1sum:{identifier.value}", (identifier,), name, None, None)
    if isinstance(openid := actor.get("openid"), str):
        return Person(f"openid:{openid}", (Identifier("openid", openid),), name, None, None)
    account = actor.get("account")
    if isinstance(account, Mapping) and isinstance(account_name := account.get("name"), str):
        first = account_identifier(str(account.get("homePage")), account_name)
        # Only with its plus: eight bare digits may as well be a student number, and then two people would become one.
        phone = normal_phone(account_name) if account_name.startswith("+") else None
        email = account_name.lower() if _EMAIL.fullmatch(account_name) else None
        implied = (Identifier("phone", phone),) if phone else email_identifiers(account_name) if email else ()
        return Person(f"account:{first.value}", (first, *implied), name, email, phone)
    return None


def email_identifiers(address: str) -> tuple[Identifier, ...]:
    """The mbox of an address in lower case, and the sha1sums by which others may know it."""
    address = address.strip()
    lower = f"mailto:{address.lower()}"
    digests = dict.fromkeys(_sha1(text) for text in (lower, f"mailto:{address}"))
    return (Identifier("mbox", lower), *(Identifier("mbox_sha1sum", digest) for digest in digests))


def account_identifier(home_page: str, name: str) -> Identifier:
    """The identifier of an xAPI account; a blank cannot occur in an IRI, so it separates the two halves."""
    return Identifier("account", f"{home_page} {name}")


def normal_phone(text: str) -> str | None:
    """A phone number as E.164, +15551234567; a number without a plus is taken to start with its country code.

    None when the text is no phone number: fewer than 8 or more than 15 digits, or anything else in it.
    """
    if not _PHONE.fullmatch(text.strip()):
        return None
    digits = re.sub(r"\D", "", text)
    return f"+{digits}" if 8 <= len(digits) <= 15 else None


def _sha1(text: str) -> str:
    return sha1(text.encode(), usedforsecurity=False).hexdigest()
