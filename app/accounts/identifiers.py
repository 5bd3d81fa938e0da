"""Who is this actor? From an xAPI Agent to the identifiers by which the person may be known. Pure: no database."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha1
from typing import Any
from uuid import UUID

from app.platform.ids import stable_id

_PHONE = re.compile(r"\+?[\d ().-]{7,24}")
_REMEMBERED_LENGTH = 512
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


@dataclass(frozen=True)
class Person:
    """What a statement says of its actor. identifiers: the one it gave first, then those that follow from it."""

    actor_key: str
    identifiers: tuple[Identifier, ...]
    name: str | None
    email: str | None
    phone: str | None

    @cached_property
    def keys(self) -> str:
        """The keys of the identifiers as hex digits, in their order, separated by commas."""
        return ",".join(identifier.key.hex for identifier in self.identifiers)


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
        kind, value, home_page = "mbox", mbox, ""
    elif isinstance(digest := actor.get("mbox_sha1sum"), str):
        kind, value, home_page = "mbox_sha1sum", digest, ""
    elif isinstance(openid := actor.get("openid"), str):
        kind, value, home_page = "openid", openid, ""
    elif isinstance(account := actor.get("account"), Mapping) and isinstance(account.get("name"), str):
        kind, value, home_page = "account", account["name"], str(account.get("homePage"))
    else:
        return None
    # The same people come again and again. Long texts are not remembered, so that the memory stays bounded.
    short = len(value) + len(home_page) + len(name or "") <= _REMEMBERED_LENGTH
    return (_remembered_person if short else _person)(kind, value, home_page, name)


def _person(kind: str, value: str, home_page: str, name: str | None) -> Person:
    if kind == "mbox":
        address = value[len("mailto:") :] if value.lower().startswith("mailto:") else value
        found = email_identifiers(address)
        return Person(f"mbox:{found[0].value}", found, name, address.lower(), None)
    if kind == "mbox_sha1sum":
        identifier = Identifier("mbox_sha1sum", value.lower())
        return Person(f"mbox_sha1sum:{identifier.value}", (identifier,), name, None, None)
    if kind == "openid":
        return Person(f"openid:{value}", (Identifier("openid", value),), name, None, None)
    first = account_identifier(home_page, value)
    # Only with its plus: eight bare digits may as well be a student number, and then two people would become one.
    phone = normal_phone(value) if value.startswith("+") else None
    email = value.lower() if _EMAIL.fullmatch(value) else None
    implied = (Identifier("phone", phone),) if phone else email_identifiers(value) if email else ()
    return Person(f"account:{first.value}", (first, *implied), name, email, phone)


_remembered_person = lru_cache(maxsize=8_192)(_person)


def person_known_by(
    name: str | None, email: str | None, phone: str | None, accounts: Iterable[tuple[str, str]] = ()
) -> Person:
    """The person that somebody describes, known by every identifier that is given: at least one.

    accounts: home page and name of each. What is no phone number identifies nobody.
    """
    number = normal_phone(phone) if phone else None
    identifiers = [
        *(email_identifiers(email) if email else ()),
        *([Identifier("phone", number)] if number else []),
        *(account_identifier(home_page, own) for home_page, own in accounts),
    ]
    first = identifiers[0]
    address = email.strip().lower() if email else None
    return Person(f"{first.kind}:{first.value}", tuple(identifiers), name, address, number)


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
