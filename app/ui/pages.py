"""How a page is shown: its model as HTML for people, or the very same model as JSON.

Every page is a pydantic model and a template. A browser gets the template; `?format=json`, or an Accept header that
likes JSON better, gets the model. So each page has a JSON twin at its own address that cannot fall behind.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel

from app import __version__
from app.access.callers import Caller
from app.platform import clock
from app.schemas import ErrorRead
from app.ui import formatting
from app.ui.assets import asset, charts_script
from app.ui.icons import icon
from app.ui.navigation import Group, current, seen_with

THEMES = ("light", "dark")
PRIVATE = {"Cache-Control": "no-store"}
HTML: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}},
    400: {"model": ErrorRead, "description": "A parameter is not right; `problems` says which and what would be."},
    401: {"model": ErrorRead, "description": "Nobody is logged in; browsers are sent to the login instead."},
    403: {"model": ErrorRead, "description": "The caller does not have the scope."},
    404: {"model": ErrorRead, "description": "There is nothing here."},
    503: {"model": ErrorRead, "description": "A store does not answer right now."},
}
"""What pages answer besides JSON, for the `responses` of a route."""


@dataclass(frozen=True, slots=True)
class Shell:
    """What surrounds every page. zone: the viewer's. caller: None before somebody has logged in."""

    request: Request
    zone: ZoneInfo
    theme: str
    caller: Caller | None
    groups: list[Group]
    here: str
    csrf: str
    version: str = __version__

    def may(self, scope: str) -> bool:
        """Whether the caller may do what needs this scope."""
        return self.caller is not None and self.caller.may(scope)

    @property
    def on_phones(self) -> bool:
        """Whether the page belongs to an entry of the bottom bar; the others stand behind More."""
        return any(one.path == self.here and one.on_phones for group in self.groups for one in group.entries)

    def address(self, **changed: object) -> str:
        """The address of this page with some of its parameters changed or, by None, gone."""
        kept = [
            (name, value)
            for name, value in self.request.query_params.multi_items()
            if name not in changed and name != "format"
        ]
        new = [(name, str(value)) for name, value in changed.items() if value is not None]
        parameters = urlencode([*kept, *new])
        return f"{self.request.url.path}?{parameters}" if parameters else self.request.url.path


def zone_of(request: Request) -> ZoneInfo:
    """The viewer's time zone, which their browser told in a cookie; UTC before it has."""
    return formatting.zone_named(request.cookies.get("time_zone", "").replace("%2F", "/"))


def show(request: Request, template: str, page: BaseModel, *, status: int = 200, **more: object) -> Response:
    """The page as HTML or as JSON. more: what only the template needs, such as drawn charts."""
    if wants_json(request):
        return Response(page.model_dump_json(), status, PRIVATE, "application/json")
    return HTMLResponse(render(request, template, page=page, **more), status, PRIVATE)


def page(request: Request, template: str, status: int = 200, **values: object) -> Response:
    """A page that has no twin at its own address: forms for people, whose JSON doors are elsewhere (`twin` says where).

    The template also knows `caller` and `csrf_token`, which is another one before somebody has logged in.
    """
    known = {"caller": getattr(request.state, "caller", None), **values}
    return HTMLResponse(render(request, template, **known), status, PRIVATE)


def render(request: Request, template: str, **values: object) -> str:
    """The HTML of a template, with everything around it."""
    zone, now = zone_of(request), clock.now()
    shell = _shell(request, zone)
    return (
        environment()
        .get_template(template)
        .render(
            now=now,
            moment=lambda value, **how: formatting.moment(value, zone, **how),
            ago=lambda value: formatting.ago(value, now, zone),
            **{"shell": shell, "csrf_token": shell.csrf, **values},
        )
    )


def wants_json(request: Request) -> bool:
    """Whether the twin is asked for: ?format=json, or an Accept header that names JSON and not HTML."""
    asked = request.query_params.get("format")
    accept = request.headers.get("accept", "")
    return asked == "json" or (asked is None and "application/json" in accept and "text/html" not in accept)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates. Whatever is written into them is escaped; a name that does not exist is an error."""
    made = Environment(
        loader=PackageLoader("app.ui"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "number": formatting.number,
        "percent": formatting.percent,
        "duration": formatting.duration,
        "day": formatting.day,
        "plural": formatting.plural,
        "cells": formatting.cells,
    }
    made.globals |= {"asset": asset, "charts_script": charts_script, "icon": icon}
    return made


def _shell(request: Request, zone: ZoneInfo) -> Shell:
    caller = getattr(request.state, "caller", None)
    theme = request.cookies.get("theme", "")
    return Shell(
        request=request,
        zone=zone,
        theme=theme if theme in THEMES else "",
        caller=caller,
        groups=seen_with(caller.scopes) if caller else [],
        here=current(request.url.path),
        csrf=caller.form_token() if caller else "",
    )
