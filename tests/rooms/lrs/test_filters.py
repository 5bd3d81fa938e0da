"""By which keys a statement is found, and what each parameter of a query looks up."""

from typing import Any
from uuid import UUID

import pytest

from app.lrs.filters import (
    activity_keys,
    agent_keys,
    authority_key,
    keys_of,
    referred_statement,
    registration_key,
    verb_key,
)
from app.platform.ids import stable_id
from tests.statements import answered, completed, lesson

KEY = "ab" * 32


def agent(name: str) -> dict[str, Any]:
    return {"mbox": f"mailto:{name}@example.org"}


def group(*members: str, **more: Any) -> dict[str, Any]:
    return {"objectType": "Group", "member": [agent(name) for name in members], **more}


def found_by(statement: dict[str, Any], who: dict[str, Any], related: bool = False) -> bool:
    return not keys_of(statement, KEY).isdisjoint(agent_keys(who, related))


def about(statement: dict[str, Any], iri: str, related: bool = False) -> bool:
    return not keys_of(statement, KEY).isdisjoint(activity_keys(iri, related))


def in_context(**context: Any) -> dict[str, Any]:
    return completed(context=context)


def within(**inner: Any) -> dict[str, Any]:
    usual = {"objectType": "SubStatement", "actor": agent("inner"), "verb": {"id": "x:inner"}, "object": {"id": "x:a"}}
    return completed(object={**usual, **inner})


def test_the_keys_of_a_usual_statement_are_these_and_no_more() -> None:
    statement = answered()
    assert keys_of(statement, KEY) == {
        stable_id("agent", "mbox mailto:sam@example.org"),
        stable_id("verb", statement["verb"]["id"]),
        stable_id("activity", statement["object"]["id"]),
        stable_id("related activity", lesson(1)["id"]),
        stable_id("related activity", "https://app.7taps.com/course"),
        stable_id("registration", "5389ed44-e618-4a66-9a43-7a0b282fd837"),
        stable_id("authority", KEY),
    }


@pytest.mark.parametrize(
    "statement",
    [
        completed(actor=agent("ann")),
        completed(actor=agent("ANN")),
        completed(actor=group("ben", "ann")),
        completed(actor=group("ann", account={"homePage": "https://a.example", "name": "team"})),
        completed(object={"objectType": "Agent", **agent("ann")}),
        completed(object=group("ann")),
    ],
)
def test_actor_and_object_and_members_of_both_are_found_by_agent(statement: dict[str, Any]) -> None:
    assert found_by(statement, agent("Ann"))
    assert found_by(statement, agent("ann"), related=True)
    assert not found_by(statement, agent("zoe"), related=True)


@pytest.mark.parametrize(
    "statement",
    [
        completed(authority=agent("ann")),
        completed(authority=group("app", "ann")),
        in_context(instructor=agent("ann")),
        in_context(instructor=group("ann")),
        in_context(team=group("ben", "ann")),
        in_context(contextAgents=[{"objectType": "contextAgent", "agent": agent("ann")}]),
        in_context(contextGroups=[{"objectType": "contextGroup", "group": group("ann")}]),
        within(actor=agent("ann")),
        within(actor=group("ann")),
        within(object={"objectType": "Agent", **agent("ann")}),
        within(object=group("ann")),
        within(context={"instructor": agent("ann")}),
        within(context={"team": group("ann")}),
        within(context={"contextAgents": [{"objectType": "contextAgent", "agent": agent("ann")}]}),
    ],
)
def test_the_others_are_found_by_related_agents_only(statement: dict[str, Any]) -> None:
    assert found_by(statement, agent("ann"), related=True)
    assert not found_by(statement, agent("ann"))


@pytest.mark.parametrize(
    "identified",
    [
        {"mbox_sha1sum": "0" * 40},
        {"openid": "https://ann.example"},
        {"account": {"homePage": "https://a.example", "name": "ann b"}},
        {"objectType": "Group", "account": {"homePage": "https://a.example", "name": "team"}},
    ],
)
def test_every_kind_of_identifier_counts(identified: dict[str, Any]) -> None:
    assert found_by(completed(actor={"name": "whoever", **identified}), identified)
    assert not found_by(completed(), identified)


def test_who_is_an_agent_is_not_stored_as_related_too() -> None:
    statement = completed(actor=agent("ann"), context={"instructor": agent("ann")})
    assert stable_id("related agent", "mbox mailto:ann@example.org") not in keys_of(statement, KEY)


def test_an_anonymous_group_is_nobody() -> None:
    assert agent_keys(group("ann"), related=True) == []


def test_an_account_named_like_a_credential_is_its_authority() -> None:
    ours = {"account": {"homePage": "https://lrs.example", "name": KEY}}
    assert found_by(completed(), ours, related=True)
    assert not found_by(completed(), ours)
    assert authority_key("k") not in agent_keys({"account": {"homePage": "https://a.example", "name": "k"}}, True)


def test_the_activity_is_the_object() -> None:
    assert about(completed(), lesson(1)["id"])
    assert about(completed(object={"id": "x:a"}), "x:a")
    assert not about(completed(object={"objectType": "Agent", **agent("ann")}), "x:a", related=True)


@pytest.mark.parametrize(
    "statement",
    [
        *(in_context(contextActivities={kind: [{"id": "x:0"}, {"id": "x:a"}]}) for kind in ("parent", "grouping")),
        *(in_context(contextActivities={kind: {"id": "x:a"}}) for kind in ("category", "other")),
        within(object={"id": "x:a"}),
        within(object={"id": "x:b"}, context={"contextActivities": {"parent": [{"id": "x:a"}]}}),
        completed(object=group("ann"), context={"contextActivities": {"parent": [{"id": "x:a"}]}}),
        within(object={"id": "x:b"}) | {"context": {"contextActivities": {"parent": [{"id": "x:a"}]}}},
    ],
)
def test_the_others_are_found_by_related_activities_only(statement: dict[str, Any]) -> None:
    assert about(statement, "x:a", related=True)
    assert not about(statement, "x:a")


def test_an_activity_that_is_the_object_is_not_stored_as_related_too() -> None:
    statement = completed(object={"id": "x:a"}, context={"contextActivities": {"parent": [{"id": "x:a"}]}})
    assert stable_id("related activity", "x:a") not in keys_of(statement, KEY)


def test_verb_registration_and_authority() -> None:
    registration = "5389ED44-E618-4A66-9A43-7A0B282FD837"
    keys = keys_of(in_context(registration=registration), KEY)
    assert registration_key(registration.lower()) in keys
    assert registration_key(UUID(registration)) in keys
    assert authority_key(KEY) in keys
    assert verb_key(completed()["verb"]["id"]) in keys
    assert verb_key("x:inner") not in keys_of(within(), KEY)
    assert registration_key(registration) not in keys_of(within(context={"registration": registration}), KEY)


def test_what_a_statement_refers_to() -> None:
    target = "5389ED44-E618-4A66-9A43-7A0B282FD837"
    reference = {"objectType": "StatementRef", "id": target}
    assert referred_statement(completed(object=reference)) == (UUID(target), False)
    voiding = completed(object=reference, verb={"id": "http://adlnet.gov/expapi/verbs/voided"})
    assert referred_statement(voiding) == (UUID(target), True)
    assert referred_statement(completed()) is None
    assert referred_statement(in_context(statement=reference)) is None
    assert referred_statement(within(object=reference)) is None
    assert keys_of(voiding, KEY) >= {verb_key("http://adlnet.gov/expapi/verbs/voided")}
