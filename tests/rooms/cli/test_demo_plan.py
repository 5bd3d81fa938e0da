"""The plan of `demo`: the same every time, believable, and with its oddities in bounded shares."""

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import pytest

from app.cli.demo_course import LESSONS
from app.cli.demo_plan import MAX_COHORTS, Plan, generate
from app.cli.demo_statements import DEFECTS, Delivery

DAY = date(2026, 3, 2)


@cache
def plan() -> Plan:
    """The default course."""
    return generate(seed=7, ends_on=DAY)


@cache
def deliveries() -> tuple[Delivery, ...]:
    """Its deliveries."""
    return tuple(plan().deliveries())


@cache
def statements() -> tuple[dict[str, Any], ...]:
    """The statements that are to be stored."""
    return tuple(json.loads(one.body) for one in deliveries() if not one.to_be_refused)


def test_the_same_seed_and_day_give_the_same_bytes() -> None:
    again = generate(seed=7, ends_on=DAY)
    assert tuple(again.deliveries()) == deliveries()
    assert [one.as_request() for one in again.cohorts] == [one.as_request() for one in plan().cohorts]


@pytest.mark.parametrize("other", [{"seed": 8}, {"ends_on": DAY + timedelta(days=1)}])
def test_another_seed_or_day_gives_others(other: dict[str, Any]) -> None:
    small: dict[str, Any] = {"seed": 7, "ends_on": DAY, "learners": 20}
    ids = {one.statement_id for one in generate(**small).deliveries()}
    assert ids.isdisjoint(one.statement_id for one in generate(**{**small, **other}).deliveries())


def test_another_day_meets_the_same_people() -> None:
    tomorrow = generate(seed=7, ends_on=DAY + timedelta(days=1))
    assert [one.learners for one in tomorrow.cohorts] == [one.learners for one in plan().cohorts]


def test_the_size_is_fit_for_one_request_per_statement() -> None:
    assert 6_000 <= len(deliveries()) <= 9_500
    assert len(plan().events) == len(deliveries())


def test_the_oddities_are_few_but_there() -> None:
    counts = Counter(one.quirk for one in deliveries())
    total = len(deliveries())
    assert 0.01 <= counts["repeat"] / total <= 0.03
    assert 0.01 <= counts["late"] / total <= 0.06
    assert 0 < counts["future"] / total <= 0.01
    assert len(DEFECTS) <= counts["broken"] <= 20


def test_an_id_always_stands_for_the_same_bytes() -> None:
    bodies = defaultdict(set)
    for one in deliveries():
        assert UUID(one.statement_id).version == 5
        bodies[one.statement_id].add(one.body)
    assert all(len(one) == 1 for one in bodies.values())
    repeats = sum(one.quirk == "repeat" for one in deliveries())
    assert repeats == len(deliveries()) - len(bodies)


def test_the_shape_of_a_statement() -> None:
    lessons = {lesson.url: lesson for lesson in LESSONS}
    for one, statement in zip((one for one in deliveries() if not one.to_be_refused), statements(), strict=True):
        assert statement["id"] == one.statement_id
        assert statement["version"] == "1.0.3"
        assert ("mbox" in statement["actor"]) != ("account" in statement["actor"])
        url, _, card = statement["object"]["id"].partition("#card-")
        around = statement["context"]["contextActivities"]
        assert isinstance(statement["object"]["definition"]["name"], dict)
        assert around["grouping"][0]["definition"]["type"].endswith("/course")
        if card:
            (parent,) = around["parent"]
            assert parent["id"] == url
            assert parent["definition"]["name"] == {"en-US": lessons[url].title}
            assert 1 <= int(card) <= len(lessons[url].cards)
        else:
            assert statement["object"]["definition"]["type"].endswith("/lesson")


def test_answers_are_answers_to_their_cards() -> None:
    kinds: Counter[str] = Counter()
    scaled = []
    for statement in statements():
        if not statement["verb"]["id"].endswith("/answered"):
            continue
        extensions = statement["context"]["extensions"]
        kind = extensions["https://app.7taps.com/xapi/extensions/card-type"]
        definition, result = statement["object"]["definition"], statement["result"]
        kinds[kind] += 1
        assert result["duration"].startswith("PT")
        if definition["interactionType"] == "choice":
            assert result["response"] in {one["id"] for one in definition["choices"]}
        elif definition["interactionType"] == "likert":
            assert result["response"] in {one["id"] for one in definition["scale"]}
            scaled.append(result["score"]["scaled"])
        else:
            assert definition["interactionType"] == "long-fill-in"
            assert result["response"].strip()
        if kind == "quiz":
            right = [result["response"]] == definition["correctResponsesPattern"]
            assert result["success"] is right
    assert kinds.keys() == {"poll", "quiz", "form", "rating"}
    assert {min(scaled), max(scaled)} == {0, 1}
    sizes = sorted(len(one.body) for one in deliveries() if b"verbs/answered" in one.body)
    assert 1_200 <= sizes[len(sizes) // 2] <= 1_800


def test_it_all_happened_before_the_last_day_but_for_clocks_that_run_ahead() -> None:
    ends_at = datetime.combine(DAY, time(), UTC)
    for one, event in zip(deliveries(), plan().events, strict=True):
        assert event.sent_at <= ends_at
        if one.quirk == "future":
            assert event.happened_at > ends_at
        if one.quirk == "late":
            assert event.sent_at - event.happened_at >= timedelta(days=1)
    sent = [event.sent_at for event in plan().events]
    assert sent == sorted(sent)


def test_every_defect_occurs_and_is_one() -> None:
    broken = [one for one in deliveries() if one.to_be_refused]
    unreadable = 0
    for one in broken:
        try:
            statement = json.loads(one.body)
        except ValueError:
            unreadable += 1
            continue
        assert (
            isinstance(statement["object"]["definition"]["name"], str)
            or not {"mbox", "account"} & statement["actor"].keys()
            or "://" not in statement["verb"]["id"]
            or statement["result"]["score"]["scaled"] > 1
        )
    assert unreadable


def test_the_people() -> None:
    people = [learner for cohort in plan().cohorts for learner in cohort.learners]
    assert len(people) == 300
    sizes = [len(cohort.learners) for cohort in plan().cohorts]
    assert len(set(sizes)) == len(sizes) == 4
    emails = [one.email for one in people if one.email]
    phones = [one.phone for one in people if one.phone]
    assert len({*emails, *phones}) == len(people)
    assert all(one.endswith(("@example.org", "@example.com")) for one in emails)
    assert all(one.isascii() and one == one.lower() for one in emails)
    assert all("55501" in one or one.startswith("+447700900") for one in phones)
    assert 0.05 <= len(phones) / len(people) <= 0.2
    others = [one for one in people if one.other_case]
    assert others
    assert all((one.other_case or "").lower() == one.email for one in others)
    assert len({one.time_zone for one in people}) > 10


def test_people_drop_off_and_some_never_start() -> None:
    first = plan().cohorts[0]
    completed = Counter(
        event.lesson.slug for event in plan().events if event.verb == "completed" and event.learner in first.learners
    )
    rates = [completed[lesson.slug] / len(first.learners) for lesson in LESSONS]
    assert 0.6 < rates[0] < 0.95
    assert 0.05 < rates[-1] < 0.5
    started = {event.learner for event in plan().events}
    everybody = {learner for cohort in plan().cohorts for learner in cohort.learners}
    assert 0.03 < len(everybody - started) / len(everybody) < 0.35


@pytest.mark.parametrize("cohorts", [1, MAX_COHORTS])
@pytest.mark.parametrize("days", [1, 90])
def test_other_sizes(cohorts: int, days: int) -> None:
    other = generate(seed=1, ends_on=DAY, learners=cohorts, days=days, cohorts=cohorts)
    assert [len(one.learners) for one in other.cohorts] == [1] * cohorts
    assert all(one.body for one in other.deliveries())


def test_more_people_than_fictional_numbers() -> None:
    many = generate(seed=1, ends_on=DAY, learners=20_000, days=1)
    people = [learner for cohort in many.cohorts for learner in cohort.learners]
    assert len({one.email or one.phone for one in people}) == 20_000


@pytest.mark.parametrize("wrong", [{"cohorts": 0}, {"cohorts": 99}, {"learners": 3}, {"days": 0}])
def test_sizes_that_make_no_sense(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="is"):
        generate(seed=1, ends_on=DAY, **wrong)
