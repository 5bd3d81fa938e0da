"""The page that describes the doors, from files of a package, so that it works without a way out to the internet."""

import json
from html import escape
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles
from starlette.responses import HTMLResponse, Response

_FILES = Path(fastapi_offline.__file__).parent / "static"
_FILES_PATH = "/docs-files"
# Nothing stands in the page that a browser would have to be allowed to run; see app/access/headers.py.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{files}/swagger-ui.css">
<link rel="icon" href="{files}/favicon.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{files}/swagger-ui-bundle.js"></script>
<script src="{root}/docs/start.js"></script>
</body>
</html>
"""
_START = "const ui = SwaggerUIBundle(Object.assign({settings}, {{presets: [SwaggerUIBundle.presets.apis]}}));\n"


def install_description(app: FastAPI) -> None:
    """Serve the description of the doors at /docs.

    The routes ask the request for the application: FastAPI keeps functions for good, and what they close over.
    """
    app.mount(_FILES_PATH, StaticFiles(directory=_FILES), name="docs-files")

    @app.get("/docs", include_in_schema=False)
    async def get_docs(request: Request) -> HTMLResponse:
        root = escape(request.scope.get("root_path", ""))
        return HTMLResponse(_PAGE.format(title=escape(request.app.title), root=root, files=f"{root}{_FILES_PATH}"))

    @app.get("/docs/start.js", include_in_schema=False)
    async def get_docs_start(request: Request) -> Response:
        settings = {
            "url": f"{request.scope.get('root_path', '')}{request.app.openapi_url}",
            "dom_id": "#swagger-ui",
            "layout": "BaseLayout",
            "deepLinking": True,
            **(request.app.swagger_ui_parameters or {}),
        }
        return Response(_START.format(settings=json.dumps(settings)), media_type="text/javascript")
