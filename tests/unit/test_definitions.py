"""The hints say what docs/metrics.md says, word by word."""

import re
from pathlib import Path

import pytest

from app.ui.definition_texts import SECTIONS
from app.ui.definitions import definition

DOCUMENT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
TERM = re.compile(
    r"^- (?:\*\*(?P<word>[^*]+)\*\*(?: \([^)]*\))?|`(?P<number>\w+\.\w+)`):? (?P<text>.*(?:\n  .*)*)", re.MULTILINE
)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[`*]", "", text)).strip()


def test_every_definition_is_that_of_the_document() -> None:
    parts = re.split(r"^## (.+)$", DOCUMENT, flags=re.MULTILINE)[1:]
    written = tuple(
        (title, {found["word"] or found["number"]: _plain(found["text"]) for found in TERM.finditer(body)})
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    )
    assert tuple(section for section in written if section[1]) == SECTIONS


def test_a_definition_is_found_by_its_name() -> None:
    anchor, text = definition("CohortOverview.completion_rate")
    assert anchor == "CohortOverview-completion_rate"
    assert text.startswith("completed_count / (learner_count")


def test_what_is_not_defined_is_an_error() -> None:
    with pytest.raises(KeyError):
        definition("CohortOverview.nothing")
