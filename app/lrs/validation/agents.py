"""Agents and Groups, wherever they stand: actor, object, authority, instructor, team, member, query
parameter.

The rules are the same in xAPI 1.0.3 (Data 2.4.2) and 2.0 (IEEE 9274.1.1 4.2.2.1); the functions
take the version all the same, so that no caller has to know that.
"""

from app.errors import Problem
from app.lrs.validation.primitives import Version, is_iri, is_mbox, is_sha1sum, is_uri
from app.lrs.validation.report import (
    MOST_PROBLEMS,
    child,
    describe,
    missing,
    near_value,
    shown,
    tell,
    unknown_keys,
    wrong_kind,
)

IDENTIFIERS = ("account", "mbox", "mbox_sha1sum", "openid")

_AGENT = frozenset({"objectType", "name", *IDENTIFIERS})
_GROUP = _AGENT | {"member"}
_ACCOUNT = frozenset({"homePage", "name"})
_ONE_IDENTIFIER = (
    'Exactly one of "account", "mbox", "mbox_sha1sum", "openid", ' 'such as "mbox": "mailto:ann@example.com"'
)
_AN_AGENT = 'An Agent, such as {"objectType": "Agent", "mbox": "mailto:ann@example.com"}'
_A_GROUP = 'A Group, such as {"objectType": "Group", "member": [{"mbox": "mailto:ann@example.com"}]}'
_HOME_PAGE = 'An IRL with its scheme, such as "https://example.com"'
_ACCOUNT_NAME = 'A string, such as "learner-17"'
_MBOX = 'A mailto IRI with one address, such as "mailto:ann@example.com"'
_NEEDS_GROUP = {"member": 'A "member" list only on a Group, which says "objectType": "Group"'}


def validate_actor(value: object, path: str, version: Version, problems: list[Problem]) -> None:
    """An Agent or a Group; without an objectType it is an Agent (xAPI 1.0.3 Data 2.4.2)."""
    if type(value) is not dict:
        wrong_kind(problems, path, value, "an Agent or a Group", _AN_AGENT)
        return
    kind = value.get("objectType")
    if kind == "Group":
        _check_group(value, path, version, problems)
    elif "member" in value and kind != "Agent":
        validate_group(value, path, version, problems)  # It is meant as one, and does not say so.
    else:
        _check_agent(value, path, problems, ("Agent", "Group"))


def validate_agent(value: object, path: str, version: Version, problems: list[Problem]) -> None:
    """An Agent and no Group (xAPI 1.0.3 Data 2.4.2.1)."""
    if type(value) is not dict:
        wrong_kind(problems, path, value, "an Agent", _AN_AGENT)
    else:
        _check_agent(value, path, problems, ("Agent",))


def validate_group(value: object, path: str, version: Version, problems: list[Problem]) -> None:
    """A Group, anonymous or identified; the objectType has to say so (xAPI 1.0.3 Data 2.4.2.2)."""
    if type(value) is not dict:
        wrong_kind(problems, path, value, "a Group", _A_GROUP)
        return
    if "objectType" not in value:
        missing(problems, path, "objectType", '"Group", as this is read as an Agent without it')
    elif value["objectType"] != "Group":
        kind = value["objectType"]
        tell(problems, child(path, "objectType"), f'is {describe(kind)}, not "Group"', '"Group"')
    _check_group(value, path, version, problems)


def validate_authority(value: object, path: str, version: Version, problems: list[Problem]) -> None:
    """An Agent, or the two Agents of three-legged OAuth as an anonymous Group (xAPI 1.0.3 Data
    2.4.9).
    """
    validate_actor(value, path, version, problems)
    if type(value) is not dict or value.get("objectType") != "Group":
        return
    expected = "An Agent, or a Group of exactly two Agents, the OAuth application and the user"
    for key in IDENTIFIERS:
        if key in value:
            message = "identifies a Group, but as an authority only an anonymous Group may stand"
            tell(problems, child(path, key), message, expected)
    members = value.get("member")
    if type(members) is list and len(members) not in (0, 2):  # The empty list is told already.
        tell(problems, child(path, "member"), f"has {len(members)} entries, not two", expected)


def _check_agent(value: dict[str, object], path: str, problems: list[Problem], kinds: tuple[str, ...]) -> None:
    if not _AGENT.issuperset(value):
        unknown_keys(problems, path, value, _AGENT, "an Agent", elsewhere=_NEEDS_GROUP)
    if "objectType" in value and value["objectType"] != "Agent":
        kind = value["objectType"]
        message = f"is {describe(kind)}, not {' or '.join(kinds)}"
        tell(problems, child(path, "objectType"), message, near_value(kind, kinds))
    if "name" in value and type(value["name"]) is not str:
        wrong_kind(problems, child(path, "name"), value["name"], "a string", '"Ann Example"')
    if _check_identifiers(value, path, problems) == 0:
        tell(problems, path, "has nothing that identifies the Agent", _ONE_IDENTIFIER)


def _check_group(value: dict[str, object], path: str, version: Version, problems: list[Problem]) -> None:
    if not _GROUP.issuperset(value):
        unknown_keys(problems, path, value, _GROUP, "a Group")
    if "name" in value and type(value["name"]) is not str:
        wrong_kind(problems, child(path, "name"), value["name"], "a string", '"Team Blue"')
    anonymous = _check_identifiers(value, path, problems) == 0
    if "member" in value:
        _check_members(value["member"], child(path, "member"), version, problems, anonymous)
    elif anonymous:
        expected = 'An array of Agents, or an identifier such as "mbox": "mailto:team@example.com"'
        missing(problems, path, "member", expected)


def _check_members(value: object, path: str, version: Version, problems: list[Problem], anonymous: bool) -> None:
    expected = 'An array of Agents, such as [{"mbox": "mailto:ann@example.com"}]'
    if type(value) is not list:
        wrong_kind(problems, path, value, "an array of Agents", expected)
        return
    # Nobody would be meant by an anonymous Group that lists no one (xAPI 1.0.3 Data 2.4.2.2).
    if anonymous and not value:
        tell(problems, path, "is an empty array in a Group without an identifier", expected)
    for index, member in enumerate(value):
        if len(problems) >= MOST_PROBLEMS:
            return
        validate_agent(member, f"{path}[{index}]", version, problems)


def _check_identifiers(value: dict[str, object], path: str, problems: list[Problem]) -> int:
    """Check the inverse functional identifiers and say how many there are (xAPI 1.0.3 Data
    2.4.2.3).
    """
    count = 0
    if "account" in value:
        count += 1
        _check_account(value["account"], child(path, "account"), problems)
    if "mbox" in value:
        count += 1
        if not is_mbox(value["mbox"]):
            _tell_mbox(value["mbox"], child(path, "mbox"), problems)
    if "mbox_sha1sum" in value:
        count += 1
        if not is_sha1sum(value["mbox_sha1sum"]):
            where, expected = (
                child(path, "mbox_sha1sum"),
                "The SHA-1 hash of a mailto IRI in 40 hex digits",
            )
            wrong_kind(problems, where, value["mbox_sha1sum"], "a SHA-1 hash", expected)
    if "openid" in value:
        count += 1
        if not is_uri(value["openid"]):
            expected = 'A URI with its scheme, such as "https://ann.example.com/"'
            wrong_kind(problems, child(path, "openid"), value["openid"], "a URI", expected)
    if count > 1:
        present = " and ".join(f'"{key}"' for key in IDENTIFIERS if key in value)
        tell(problems, path, f"is identified by {present} at once", _ONE_IDENTIFIER)
    return count


def _check_account(value: object, path: str, problems: list[Problem]) -> None:
    """A user account on an existing system (xAPI 1.0.3 Data 2.4.2.4)."""
    if type(value) is not dict:
        expected = 'An object, such as {"homePage": "https://example.com", "name": "learner-17"}'
        wrong_kind(problems, path, value, "an account", expected)
        return
    if not _ACCOUNT.issuperset(value):
        unknown_keys(problems, path, value, _ACCOUNT, "an account")
    if "homePage" not in value:
        missing(problems, path, "homePage", _HOME_PAGE)
    elif not is_iri(value["homePage"]):
        wrong_kind(problems, child(path, "homePage"), value["homePage"], "an IRL", _HOME_PAGE)
    if "name" not in value:
        missing(problems, path, "name", _ACCOUNT_NAME)
    elif type(value["name"]) is not str:
        wrong_kind(problems, child(path, "name"), value["name"], "a string", _ACCOUNT_NAME)


def _tell_mbox(value: object, path: str, problems: list[Problem]) -> None:
    if isinstance(value, str) and "@" in value and not value.startswith("mailto:"):
        tell(problems, path, f"is {shown(value)}, without mailto: in front", _MBOX)
    else:
        wrong_kind(problems, path, value, "a mailto IRI", _MBOX)
