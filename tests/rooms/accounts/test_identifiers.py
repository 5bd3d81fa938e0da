"""Who an actor is."""

from hashlib import sha1
from typing import Any

import pytest

from app.accounts.identifiers import normal_phone, person_of


def keys_of(actor: dict[str, Any]) -> set[object]:
    person = person_of(actor)
    assert person is not None
    return {identifier.key for identifier in person.identifiers}


def digest(address: str) -> str:
    return sha1(f"mailto:{address}".encode()).hexdigest()


def test_mail_addresses_in_any_case_are_one_person() -> None:
    one, other = person_of({"mbox": "mailto:Sam@Example.org"}), person_of({"mbox": "mailto:sam@example.ORG"})
    assert one is not None
    assert other is not None
    assert one.actor_key == other.actor_key == "mbox:mailto:sam@example.org"
    assert one.email == "sam@example.org"


@pytest.mark.parametrize("address", ["Sam@Example.org", "sam@example.org"])
def test_a_sha1sum_meets_the_address_it_was_made_of(address: str) -> None:
    hidden = keys_of({"mbox_sha1sum": digest(address).upper()})
    assert hidden <= keys_of({"mbox": "mailto:Sam@Example.org"})


def test_a_phone_only_learner_arrives_as_an_account() -> None:
    person = person_of({"account": {"homePage": "https://app.7taps.com", "name": "+1 (555) 010-0123"}})
    assert person is not None
    assert person.phone == "+15550100123"
    assert {i.kind for i in person.identifiers} == {"account", "phone"}


def test_a_number_without_plus_is_an_account_name_and_not_a_phone() -> None:
    one = keys_of({"account": {"homePage": "https://school.example/a", "name": "15550100123"}})
    other = keys_of({"account": {"homePage": "https://school.example/b", "name": "15550100123"}})
    assert not one & other


def test_an_account_named_by_an_address_is_the_person_with_that_address() -> None:
    account = keys_of({"account": {"homePage": "https://x.example", "name": "sam@example.org"}})
    assert account & keys_of({"mbox": "mailto:sam@example.org"})


def test_the_same_name_elsewhere_is_somebody_else() -> None:
    here = keys_of({"account": {"homePage": "https://a.example", "name": "sam"}})
    there = keys_of({"account": {"homePage": "https://b.example", "name": "sam"}})
    assert not here & there


def test_groups_are_not_people() -> None:
    assert person_of({"objectType": "Group", "mbox": "mailto:team@example.org"}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+49 (30) 1234-5678", "+493012345678"),
        ("15550100123", "+15550100123"),
        ("1234567", None),
        ("12345678901234567", None),
        ("+1555x", None),
    ],
)
def test_phones(text: str, expected: str | None) -> None:
    assert normal_phone(text) == expected
