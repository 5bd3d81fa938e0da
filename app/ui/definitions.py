"""The page of all definitions, and the single one that stands behind a hint."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from app.access.callers import needs
from app.ui.definition_texts import SECTIONS
from app.ui.pages import HTML, show

router = APIRouter(tags=["Pages"], include_in_schema=False)


class Definition(BaseModel):
    """What one number or word means. id: the anchor on the page of all definitions."""

    id: str
    name: str
    text: str


class DefinitionSection(BaseModel):
    """Definitions that belong to one report."""

    title: str
    definitions: list[Definition]


class DefinitionsPage(BaseModel):
    """Everything that is counted, and how."""

    sections: list[DefinitionSection]


def _anchor(name: str) -> str:
    return name.replace(".", "-").replace(" ", "-")


def _sentence(text: str) -> str:
    """With a capital in front, unless it begins with the name of a field."""
    return text if "_" in text.split(" ", 1)[0] else text[:1].upper() + text[1:]


_TEXTS = {name: _sentence(text) for _, texts in SECTIONS for name, text in texts.items()}


def definition(name: str) -> tuple[str, str]:
    """The anchor id and the sentence for a hint, as in `part.hint(*…)`.

    name: class and field of the answer that says the number, such as `CohortOverview.completion_rate`, or a word of
    "What counts", such as `Completed`. KeyError when docs/metrics.md has none of that name.
    """
    return _anchor(name), _TEXTS[name]


def hints(*names: str) -> dict[str, tuple[str, str, str]]:
    """By name what `part.hint(*…)` takes, for pages that explain many numbers."""
    return {name: (_anchor(name), name, _TEXTS[name]) for name in names}


@router.get("/ui/definitions", response_model=DefinitionsPage, responses=HTML, dependencies=[needs("reports:read")])
def get_definitions(request: Request) -> Response:
    """What every number means: completed, started, due, and each number of each report."""
    sections = [
        DefinitionSection(
            title=title,
            definitions=[Definition(id=_anchor(name), name=name, text=_TEXTS[name]) for name in texts],
        )
        for title, texts in SECTIONS
    ]
    return show(request, "definitions.html", DefinitionsPage(sections=sections))
