"""A body set out line by line, with the place that a path points at."""

import json

import pytest

from app.ingest import pointing
from app.ingest.pointing import lay_out


@pytest.mark.parametrize(
    ("path", "marked", "found"),
    [
        ("verb.id", '"id": "x"', True),
        ("object.definition.name", '"definition": {', False),
        ("[1].actor", "", False),
        ('context.extensions["http://e.x/a.b"]', '"http://e.x/a.b": [', True),
        ('context.extensions["http://e.x/a.b"][1]', "2", True),
        ("actor", "{", False),
        ("$", "{", True),
    ],
)
def test_the_line_that_a_path_points_at(path: str, marked: str, found: bool) -> None:
    body = {
        "verb": {"id": "x"},
        "object": {"definition": {"type": "t"}},
        "context": {"extensions": {"http://e.x/a.b": [1, 2]}},
    }
    laid = lay_out(json.dumps(body), path)
    lines = [line.text.strip().rstrip(",") for line in laid.lines if line.marked]
    assert laid.found == found
    assert lines == [marked or "{"]


def test_several_statements_each_have_their_place() -> None:
    laid = lay_out('[{"id":"a"},{"id":"b","result":{"score":{"scaled":80}}}]', "[1].result.score.scaled")
    assert [line.text for line in laid.lines if line.marked] == ['        "scaled": 80']


def test_nothing_is_made_prettier_than_it_is() -> None:
    source = '{"b":1.10,"a":12345678901234567890123,"b":1e400,"n":null,"e":{},"l":[],"s":"\\u0000\\ud800é","t":NaN}'
    laid = lay_out(source, None)
    assert [line.text.strip().rstrip(",") for line in laid.lines] == [
        "{", '"b": 1.10', '"a": 12345678901234567890123', '"b": 1e400', '"n": null', '"e": {}', '"l": []',
        '"s": "\\u0000\ud800é"', '"t": NaN', "}",
    ]  # fmt: skip
    assert not any(line.marked for line in laid.lines)


@pytest.mark.parametrize("path", ["?statementId", "/ids", None, ""])
def test_what_is_not_in_the_body_marks_nothing(path: str | None) -> None:
    assert not any(line.marked for line in lay_out('{"a":1}', path).lines)


@pytest.mark.parametrize("text", ['{"a":', "no json\nat all", "[" * 100_000, '{"a":' * 5_000, ""])
def test_what_is_no_json_is_shown_as_it_is(text: str) -> None:
    laid = lay_out(text, "a.b")
    assert not laid.is_json
    assert laid.nearest is None
    assert not any(line.marked for line in laid.lines)
    assert "\n".join(line.text for line in laid.lines) == text[: pointing.MOST_CHARACTERS]


def test_bodies_are_bounded() -> None:
    long = json.dumps(["x" * 10] * 10_000)
    assert lay_out(long, None).cut
    assert not lay_out(long, None).is_json
    many = lay_out(json.dumps([1] * 10_000), None)
    assert many.cut
    assert len(many.lines) == pointing.MOST_LINES
