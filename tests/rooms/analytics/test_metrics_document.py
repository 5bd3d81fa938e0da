"""docs/metrics.md defines every number that a report says."""

import inspect
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from app.analytics import schemas, schemas_course, schemas_today

DOCUMENT = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
MODELS = [
    model
    for module in (schemas, schemas_course, schemas_today)
    for _, model in inspect.getmembers(module, inspect.isclass)
    if issubclass(model, BaseModel) and model.__module__ == module.__name__
]


def is_number(annotation: Any) -> bool:
    return annotation in (int, float) or bool({int, float} & set(get_args(annotation)))


def owner(model: type[BaseModel], field: str) -> str:
    """The class that says the field first: its definition holds for those that follow."""
    return next(one.__name__ for one in reversed(model.__mro__) if field in getattr(one, "__annotations__", {}))


NUMBERS = sorted(
    {
        f"{owner(model, name)}.{name}"
        for model in MODELS
        for name, x in model.model_fields.items()
        if is_number(x.annotation)
    }
)


def test_there_are_numbers() -> None:
    assert len(NUMBERS) > 35


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_defined(number: str) -> None:
    assert re.search(rf"^- `{re.escape(number)}`: \S", DOCUMENT, re.MULTILINE)


def test_nothing_is_defined_that_is_not_there() -> None:
    assert set(re.findall(r"^- `(\w+\.\w+)`:", DOCUMENT, re.MULTILINE)) == set(NUMBERS)
