"""The keys by which a statement is found: what a statement has, and what a query looks up. Pure.

xAPI 1.0.3 Communication 2.1.3. A statement matches a parameter when one of the parameter's keys is among its own.
What an Agent or Activity has in the narrow sense carries the kind "agent" or "activity"; what it has only in the broad
sense of related_agents and related_activities carries "related agent" or "related activity".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from app.lrs.canonical import activities_in, context_activities
from app.lrs.identity import agent_identity
from app.platform.ids import stable_id

VOIDED = "http://adlnet.gov/expapi/verbs/voided"
"""The verb that makes a statement void another (xAPI 1.0.3 Data 2.3.2)."""

_Object = Mapping[str, Any]
_FINGERPRINT = re.compile(r"[0-9a-fA-F]{64}").fullmatch
_ACTORS = frozenset({"Agent", "Group"})


def keys_of(statement: _Object, authority_id: str) -> set[UUID]:
    """Every key of a valid statement that was stored on the authority of the credential `authority_id`.

    Members of a Group count like the Group itself. A `statement` that still carries an authority of the sender's is
    found by that one too, so leave it out where the LRS puts its own in its place.
    """
    target = statement["object"]
    kind = target.get("objectType", "Activity")
    agents = set(_identities(statement["actor"]))
    related_agents = set(_context_identities(statement))
    keys = {verb_key(statement["verb"]["id"]), authority_key(authority_id)}
    if "authority" in statement:
        related_agents.update(_identities(statement["authority"]))

    if kind == "Activity":
        keys.add(stable_id("activity", target["id"]))
        related_activities = {activity["id"] for activity in context_activities(statement)}
        related_activities.discard(target["id"])
    else:
        related_activities = {activity["id"] for activity in activities_in(statement)}
        if kind in _ACTORS:
            agents.update(_identities(target))
        elif kind == "SubStatement":
            related_agents.update(_identities(target["actor"]))
            related_agents.update(_context_identities(target))
            if target["object"].get("objectType") in _ACTORS:
                related_agents.update(_identities(target["object"]))

    keys.update([stable_id("agent", identity) for identity in agents])
    keys.update([stable_id("related agent", identity) for identity in related_agents - agents])
    keys.update([stable_id("related activity", iri) for iri in related_activities])
    if (context := statement.get("context")) and "registration" in context:
        keys.add(registration_key(context["registration"]))
    return keys


def agent_keys(agent: _Object, related: bool) -> list[UUID]:
    """What the parameter `agent` looks up, any of which is a match; with related_agents also in the broad sense.

    xAPI 1.0.3 Communication 2.1.3. An account whose name is a credential's fingerprint is an authority of this LRS.
    An anonymous Group has no identity and so no keys.
    """
    identity = agent_identity(agent)
    if identity is None:
        return []
    keys = [stable_id("agent", identity)]
    if related:
        keys.append(stable_id("related agent", identity))
        account = agent.get("account")
        if account and _FINGERPRINT(account["name"]):
            keys.append(authority_key(account["name"]))
    return keys


def activity_keys(iri: str, related: bool) -> list[UUID]:
    """What the parameter `activity` looks up; with related_activities also in the broad sense (Communication 2.1.3)."""
    keys = [stable_id("activity", iri)]
    if related:
        keys.append(stable_id("related activity", iri))
    return keys


def verb_key(iri: str) -> UUID:
    """What the parameter `verb` looks up (xAPI 1.0.3 Communication 2.1.3)."""
    return stable_id("verb", iri)


def registration_key(registration: str | UUID) -> UUID:
    """What the parameter `registration` looks up, in whichever case it is written (Communication 2.1.3, RFC 4122 3)."""
    return stable_id("registration", str(registration).lower())


def authority_key(authority_id: str) -> UUID:
    """The key of all statements that were stored on the authority of one credential (xAPI 1.0.3 Data 2.4.9)."""
    return stable_id("authority", authority_id)


def referred_statement(statement: _Object) -> tuple[UUID, bool] | None:
    """The statement that this one has as its object, and whether it voids it; None when the object is something else.

    xAPI 1.0.3 Data 2.4.4.3 and 2.3.2. A StatementRef in the context or in a SubStatement does not count
    (Communication 2.1.3, Filter Conditions for StatementRefs).
    """
    target = statement["object"]
    if target.get("objectType") != "StatementRef":
        return None
    return UUID(target["id"]), statement["verb"]["id"] == VOIDED


def _identities(agent: _Object) -> Iterator[str]:
    """The identity of an Agent or Group, and those of its members (xAPI 1.0.3 Communication 2.1.3, `agent`)."""
    identity = agent_identity(agent)
    if identity is not None:
        yield identity
    for member in agent.get("member", ()):
        yield from _identities(member)


def _context_identities(statement: _Object) -> Iterator[str]:
    """Those of instructor and team, and in 2.0 of contextAgents and contextGroups (IEEE 9274.1.1 4.2.2.5)."""
    context = statement.get("context")
    if not context:
        return
    for key in ("instructor", "team"):
        if key in context:
            yield from _identities(context[key])
    for key, inner in (("contextAgents", "agent"), ("contextGroups", "group")):
        for companion in context.get(key, ()):
            yield from _identities(companion[inner])
