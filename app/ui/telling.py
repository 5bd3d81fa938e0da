"""What the pages of operators have in common: what their addresses may hold, and where an act leads back to."""

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.responses import RedirectResponse

from app.errors import AppError, Problem, problem_of
from app.schemas import storable
from app.ui.asking import none_if_empty


class Asked(BaseModel):
    """The parameters of a page's address. A field of a form that was left empty narrows nothing.

    done: the code of what was just done, see the page's own table of sentences.
    """

    model_config = ConfigDict(extra="ignore")

    done: str | None = Field(default=None, max_length=40)

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_nothing(cls, value: object) -> object:
        return none_if_empty(value)

    @field_validator("*", mode="after")
    @classmethod
    def _storable(cls, value: object) -> object:
        return storable(value) if isinstance(value, str) else value


class Told(BaseModel):
    """What a page says about what was just done. kind: as the part `notice` has it."""

    kind: str
    title: str
    text: str = ""


def told(sentences: Mapping[str, Told], code: str | None) -> Told | None:
    """The sentence of a code; None for codes that there are not, so that an address can say nothing of its own."""
    return sentences.get(code or "")


def back(request: Request, path: str, **parameters: object) -> RedirectResponse:
    """Where a form leads after it did what it says: to a page that tells it, and that can be loaded again."""
    given = {name: str(value) for name, value in parameters.items() if value is not None}
    query = f"?{urlencode(given)}" if given else ""
    return RedirectResponse(f"{request.scope.get('root_path', '')}{path}{query}", 303)


def wrongs(error: AppError | ValidationError) -> dict[str, str]:
    """What is wrong, by the name of the field; under "" what is about none of them."""
    found: dict[str, str] = {}
    if isinstance(error, ValidationError):
        for one in error.errors(include_url=False, include_input=False):
            name = str(one["loc"][0]) if one["loc"] else ""
            found.setdefault(name, _sentence(problem_of(one, name)))
        return found
    for problem in error.problems:
        said = f"{problem.message} {problem.expected}".strip()
        found[problem.path] = f"{found[problem.path]} {said}" if problem.path in found else said
    return found or {"": error.message}


def _sentence(problem: Problem) -> str:
    told = f"{problem.message[:1].upper()}{problem.message[1:]}"
    return f"{told} {problem.expected}".strip()
