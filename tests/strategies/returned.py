"""What an LRS does to a statement between taking it and giving it back, and nothing beyond (xAPI 1.0.3 Data 2.3.1)."""

import json
from typing import Any

SET_BY_THE_LRS = ("stored", "authority")
"""Replaced whatever was sent (Data 2.4.8, 2.4.9)."""


def read(text: bytes) -> Any:
    """JSON in which numbers keep the text that they are spelt with: 1.50 is neither 1.5 nor 15e-1."""
    return json.loads(text, parse_float=_spelt, parse_int=_spelt)


def _spelt(text: str) -> tuple[str, str]:
    return "a number, spelt", text


def as_returned(sent: Any, given: Any, *, statement_id: str, version: str) -> dict[str, Any]:
    """What has to come back for `sent`, both as `read` has them, `given` being what did come back.

    The LRS sets id, timestamp and version where they are missing (Data 2.4.1, 2.4.7, 2.4.10; version is what it sets),
    and stored and authority anyway, which are taken from `given`. It puts a context activity that stands alone into an
    array, in a SubStatement too (Data 2.4.6.2). Nothing else may differ, to the spelling of each number.
    """
    stored = {key: given[key] for key in SET_BY_THE_LRS}
    defaults = {"id": statement_id, "timestamp": given["stored"], "version": version}
    return {**defaults, **in_arrays(sent), **stored}


def in_arrays(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement with each context activity in an array, which is how it leaves (Data 2.4.6.2)."""
    result = dict(statement)
    if statement["object"].get("objectType") == "SubStatement":
        result["object"] = in_arrays(statement["object"])
    if "contextActivities" in statement.get("context", {}):
        activities = statement["context"]["contextActivities"]
        arrays = {role: [found] if isinstance(found, dict) else found for role, found in activities.items()}
        result["context"] = {**statement["context"], "contextActivities": arrays}
    return result
