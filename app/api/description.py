"""The page that describes the doors, from files of a package, so that it works without a way out to the internet."""

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.responses import HTMLResponse

_FILES = Path(fastapi_offline.__file__).parent / "static"
_FILES_PATH = "/docs-files"


def install_description(app: FastAPI) -> None:
    """Serve the description of the doors at /docs."""
    app.mount(_FILES_PATH, StaticFiles(directory=_FILES), name="docs-files")

    @app.get("/docs", include_in_schema=False)
    async def get_docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{root}{_FILES_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{_FILES_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{root}{_FILES_PATH}/favicon.png",
            swagger_ui_parameters=app.swagger_ui_parameters,
        )
