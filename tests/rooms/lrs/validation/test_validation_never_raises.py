"""Whatever JSON comes, validation answers, and each answer says where it is about."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Problem
from app.lrs.validation import (
    MOST_PROBLEMS,
    Version,
    is_duration,
    is_timestamp,
    parse_duration_seconds,
    parse_timestamp,
    validate_activity,
    validate_actor,
    validate_agent,
    validate_attachments,
    validate_authority,
    validate_group,
    validate_statement,
)

NAMES = """
id actor verb object result context timestamp stored authority version attachments objectType name
mbox mbox_sha1sum openid account homePage member display definition interactionType choices scale
correctResponsesPattern description type moreInfo score scaled raw min max success duration
registration instructor team contextActivities parent platform language statement extensions
contextAgents contextGroups agent group relevantTypes usageType contentType length sha2 fileUrl
ex:a en-US
"""
VALUES = """
Agent Group Activity StatementRef SubStatement choice matching contextAgent ex:a en mailto:a@b.c
1.0.0 PT1S 2024-05-18T05:32:34Z http://adlnet.gov/expapi/verbs/voided
http://adlnet.gov/expapi/attachments/signature 8f87ccde-bb56-4c2e-ab83-44982ef22df0
"""
KEYS = st.one_of(st.text(max_size=6), st.sampled_from(NAMES.split()))
WORDS = st.sampled_from(VALUES.split())
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), WORDS)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=40,
)
STATEMENTS = st.fixed_dictionaries(
    {"actor": JSON, "verb": JSON, "object": JSON},
    optional={
        "result": JSON | st.fixed_dictionaries({"score": st.dictionaries(KEYS, LEAVES)}),
        "context": JSON | st.dictionaries(KEYS, JSON),
        "attachments": JSON | st.lists(st.dictionaries(KEYS, LEAVES), max_size=2),
        "timestamp": LEAVES,
        "authority": JSON,
    },
)
VERSIONS: st.SearchStrategy[Version] = st.sampled_from(["1.0", "2.0"])


def hold(problems: list[Problem]) -> None:
    """What has to be true of any list of problems."""
    assert len(problems) <= MOST_PROBLEMS
    for problem in problems:
        assert isinstance(problem, Problem)
        assert problem.path
        assert problem.message
        assert problem.expected
        problem.sentence().encode()


@settings(deadline=None)
@given(JSON | STATEMENTS, VERSIONS, st.sampled_from(["", "[3]"]))
def test_any_json_is_judged(value: Any, version: Version, path: str) -> None:
    problems = validate_statement(value, version, path)
    hold(problems)
    assert all(problem.path.startswith(path) for problem in problems)
    if not problems:
        assert {"actor", "verb", "object"} <= set(value)


@settings(deadline=None)
@given(JSON, VERSIONS)
def test_parts_are_judged_on_their_own(value: Any, version: Version) -> None:
    for check in (
        validate_agent,
        validate_group,
        validate_actor,
        validate_authority,
        validate_activity,
    ):
        problems: list[Problem] = []
        check(value, "", version, problems)
        hold(problems)
    problems = []
    validate_attachments(value, "", problems)
    hold(problems)


TIMES = st.from_regex(
    r"[0-9]{4}-?[01][0-9]-?[0-3][0-9]T[0-2][0-9]:?[0-6][0-9](:?[0-6][0-9])?([.,][0-9]+)?"
    r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)?",
    fullmatch=True,
)


@settings(deadline=None)
@given(TIMES | st.text())
def test_a_time_that_is_accepted_can_be_read(text: str) -> None:
    if is_timestamp(text, "2.0"):
        assert is_timestamp(text, "1.0")
    try:
        moment = parse_timestamp(text)
    except ValueError:
        assert not is_timestamp(text, "1.0")
    else:
        assert is_timestamp(text, "1.0")
        assert moment.utcoffset() is not None


@settings(deadline=None)
@given(st.from_regex(r"P([0-9]+[YMWD])*(T([0-9]+([.,][0-9]+)?[HMS])*)?", fullmatch=True))
def test_a_duration_that_is_accepted_can_be_counted(text: str) -> None:
    if is_duration(text):
        assert 0 <= parse_duration_seconds(text) < float("inf")
