"""What the record learns of activities and verbs from statements."""

from copy import deepcopy

from app.lrs.canonical import definitions_in, displays_in, merge_definition, merge_display
from tests.statements import answered, completed, lesson


def test_language_maps_and_extensions_grow_and_the_rest_is_replaced() -> None:
    known = {
        "name": {"en": "Milk", "de": "Milch"},
        "description": {"en": "Old"},
        "type": "x:old",
        "moreInfo": "https://old.example",
        "extensions": {"x:a": {"deep": 1}, "x:b": 2},
    }
    new = {
        "name": {"en": "Dairy", "fr": "Lait"},
        "type": "x:new",
        "extensions": {"x:a": 3, "x:c": 4},
    }
    before = deepcopy((known, new))
    assert merge_definition(known, new) == {
        "name": {"en": "Dairy", "de": "Milch", "fr": "Lait"},
        "description": {"en": "Old"},
        "type": "x:new",
        "moreInfo": "https://old.example",
        "extensions": {"x:a": 3, "x:b": 2, "x:c": 4},
    }
    assert (known, new) == before


def test_the_first_definition_is_taken_as_it_is() -> None:
    new = {"name": {"en": "Milk"}}
    merged = merge_definition(None, new)
    assert merged == new
    assert merged is not new
    assert merge_definition({}, new) == new
    assert merge_definition(new, {}) == new


def test_components_are_replaced_and_keep_their_languages() -> None:
    known = {
        "interactionType": "choice",
        "choices": [{"id": "a", "description": {"en": "Oat"}}, {"id": "gone", "description": {"en": "Soy"}}],
        "correctResponsesPattern": ["a"],
    }
    new = {
        "interactionType": "choice",
        "choices": [{"id": "b"}, {"id": "a", "description": {"de": "Hafer"}}],
        "correctResponsesPattern": ["b"],
    }
    assert merge_definition(known, new) == {
        "interactionType": "choice",
        "choices": [{"id": "b"}, {"id": "a", "description": {"en": "Oat", "de": "Hafer"}}],
        "correctResponsesPattern": ["b"],
    }


def test_another_kind_of_interaction_drops_what_belonged_to_the_old_one() -> None:
    known = {"interactionType": "choice", "choices": [{"id": "a"}], "correctResponsesPattern": ["a"], "type": "x:t"}
    assert merge_definition(known, {"interactionType": "true-false"}) == {
        "interactionType": "true-false",
        "type": "x:t",
    }


def test_displays_are_merged_with_the_newer_text_winning() -> None:
    assert merge_display({"en": "did", "de": "tat"}, {"en": "done"}) == {"en": "done", "de": "tat"}
    assert merge_display(None, {"en": "done"}) == {"en": "done"}


def test_every_activity_that_is_described_is_found() -> None:
    inner = {
        "objectType": "SubStatement",
        "actor": {"mbox": "mailto:ben@example.org"},
        "verb": {"id": "x:inner", "display": {"en": "inner"}},
        "object": lesson(2),
        "context": {"contextActivities": {"other": lesson(3)}},
    }
    statement = completed(object=inner, context={"contextActivities": {"grouping": [lesson(4), {"id": "x:bare"}]}})
    assert definitions_in(statement) == {lesson(n)["id"]: lesson(n)["definition"] for n in (2, 3, 4)}
    assert displays_in(statement) == {
        statement["verb"]["id"]: {"en-US": "completed"},
        "x:inner": {"en": "inner"},
    }


def test_an_activity_that_stands_there_twice_is_merged_and_the_object_has_the_last_word() -> None:
    statement = completed(
        object={"id": "x:a", "definition": {"name": {"en": "As object"}}},
        context={
            "contextActivities": {"parent": {"id": "x:a", "definition": {"name": {"en": "As parent", "de": "D"}}}}
        },
    )
    assert definitions_in(statement) == {"x:a": {"name": {"en": "As object", "de": "D"}}}


def test_what_says_nothing_teaches_nothing() -> None:
    statement = answered(verb={"id": "x:v", "display": {}}, object={"id": "x:a", "definition": {}}, context={})
    assert definitions_in(statement) == {}
    assert displays_in(statement) == {}
    assert definitions_in(completed(object={"objectType": "Agent", "mbox": "mailto:a@example.org"})) == {}
