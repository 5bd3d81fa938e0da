"""One page: a template, filled in, for whoever asks."""

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A template with these values; it also knows `caller` (None: nobody) and `csrf_token`, fresh for this answer."""
    caller = getattr(request.state, "caller", None)
    known = {"caller": caller, "csrf_token": caller.form_token() if caller else "", "root": _root(request)}
    return HTMLResponse(_TEMPLATES.get_template(template).render({**known, **values}), status)


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", ""))
