"""Each chart of the pages at an address of its own: as a picture for slides, or as the numbers behind it."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from app.access.callers import needs
from app.charts import drawing
from app.charts.building import as_json
from app.charts.theme import LIGHT
from app.database import get_db
from app.errors import BadRequest, NotFound, Problem
from app.ui.figures import BUILDERS, PREFIX, as_csv
from app.ui.pages import PRIVATE, zone_of
from app.ui.remembering import remembering

router = APIRouter(tags=["Pages"], include_in_schema=False)

KINDS = {"svg": "image/svg+xml", "png": "image/png", "csv": "text/csv; charset=utf-8", "spec": "application/json"}
MAX_PARAMETER_CHARACTERS = 200
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in KINDS.values()}}
}


@router.get(
    PREFIX + "/{name}", response_class=Response, responses=_FILES, dependencies=[needs("reports:read")], name="chart"
)
def get_chart(request: Request, name: str, db: Annotated[Session, Depends(get_db, scope="function")]) -> Response:
    """A chart as a file: `as=svg`, `as=png` or `as=csv`; `as=spec` is what a browser draws it from itself.

    The other parameters are those of the page that shows it.
    """
    if name not in BUILDERS:
        raise NotFound(f"There is no chart “{name[:80]}”. There are: {', '.join(sorted(BUILDERS)) or 'none'}.")
    parameters = dict(request.query_params)
    kind = parameters.pop("as", "svg")
    problems = [
        Problem(f"?{key[:80]}", "is too long.", f"At most {MAX_PARAMETER_CHARACTERS} characters.")
        for key, value in parameters.items()
        if len(value) > MAX_PARAMETER_CHARACTERS
    ]
    if kind not in KINDS:
        problems.append(Problem("?as", f"is “{kind[:80]}”.", "svg, png, csv or spec."))
    if problems:
        raise BadRequest(f"{problems[0].path} {problems[0].message} {problems[0].expected}", problems)
    chart = BUILDERS[name](remembering(request.app, db), parameters, zone_of(request))
    content: str | bytes
    if kind == "csv":
        content = as_csv(chart)
    elif kind == "spec":
        return Response(as_json(chart.spec), headers=PRIVATE, media_type=KINDS[kind])
    elif kind == "svg":
        content = drawing.draw_svg(chart.spec, LIGHT, titled=True)
    else:
        content = drawing.draw_png(chart.spec)
    file_name = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{file_name}.{kind}"'}
    return Response(content, headers=headers, media_type=KINDS[kind])
