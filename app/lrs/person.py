"""The Person object: all by which one individual is known (xAPI 1.0.3 Communication 2.4). Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

_KINDS = ("mbox", "mbox_sha1sum", "openid", "account")


def person(agent: Mapping[str, Any], identifiers: Iterable[tuple[str, str]], names: Iterable[str]) -> dict[str, Any]:
    """The Person that an Agent is one of, each of its properties an array without repetition.

    agent: the one that was asked for; what it says comes first, and is there even if the record knows nothing else
    (xAPI 1.0.3 Communication 2.4, Requirements). identifiers: further (kind, value) pairs of the same individual, the
    value of an account being "<homePage> <name>" and that of an mbox with or without its "mailto:". Kinds that a
    Person does not have, such as a phone number, are left out, and so are arrays that would be empty.
    """
    # Keyed by what makes two entries the same; e-mail addresses are compared in lower case everywhere in this house,
    # and the record holds U+FFFD where a sender wrote NUL.
    found: dict[str, dict[str, Any]] = {kind: {} for kind in ("name", *_KINDS)}
    for name in (agent.get("name"), *names):
        if name:
            found["name"].setdefault(_as_kept(name), name)
    for kind in _KINDS:
        if kind in agent:
            _add(found[kind], kind, agent[kind])
    for kind, value in identifiers:
        if kind == "account":
            home_page, separator, name = value.partition(" ")
            if separator:
                _add(found[kind], kind, {"homePage": home_page, "name": name})
        elif kind in _KINDS:
            _add(found[kind], kind, value)
    return {"objectType": "Person", **{kind: list(entries.values()) for kind, entries in found.items() if entries}}


def _add(entries: dict[str, Any], kind: str, value: Any) -> None:
    if kind == "account":
        entries.setdefault(
            _as_kept(f"{value['homePage']} {value['name']}"), {"homePage": value["homePage"], "name": value["name"]}
        )
        return
    if kind == "mbox" and not value.lower().startswith("mailto:"):
        value = f"mailto:{value}"
    entries.setdefault(value if kind == "openid" else value.lower(), value)


def _as_kept(text: str) -> str:
    return text.replace("\x00", "\ufffd")
