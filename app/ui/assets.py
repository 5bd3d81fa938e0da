"""Style, scripts and pictures of the pages. Their address holds a hash of what is in them, so browsers keep them."""

from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.charts.drawing import browser_bundle

FOLDER = Path(__file__).parent / "static"
PREFIX = "/ui/static"
CHARTS_SCRIPT = "vega.js"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"


@lru_cache(maxsize=1)
def assets() -> dict[str, tuple[str, bytes, str]]:
    """By name: hash, bytes, media type. The sections of the style sheet are one file, in the order of their names."""
    files = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in _TYPES}
    files["style.css"] = b"\n".join(path.read_bytes() for path in sorted((FOLDER / "css").glob("*.css")))
    return {
        name: (sha256(content).hexdigest()[:12], content, _TYPES[Path(name).suffix]) for name, content in files.items()
    }


def asset(name: str) -> str:
    """The path of an asset. KeyError when there is none of this name."""
    return f"{PREFIX}/{assets()[name][0]}/{name}"


def charts_script() -> str:
    """The path of the script that draws charts in browsers. Making it takes two seconds, so its package names it."""
    return f"{PREFIX}/{version('vl-convert-python')}/{CHARTS_SCRIPT}"


async def get_asset(request: Request) -> Response:
    """One file. Open to anybody: the login page needs them, and nothing in them is secret."""
    if request.path_params["name"] == CHARTS_SCRIPT:
        _, script = await run_in_threadpool(browser_bundle)
        return Response(script, media_type=_TYPES[".js"], headers=_headers(str(request.url.path) == charts_script()))
    found = assets().get(request.path_params["name"])
    if found is None:
        return PlainTextResponse("There is no such file.", 404)
    fingerprint, content, media_type = found
    return Response(content, media_type=media_type, headers=_headers(request.path_params["hash"] == fingerprint))


def _headers(fresh: bool) -> dict[str, str]:
    """An old address gets today's file, but nobody is to keep it under that name."""
    return {"Cache-Control": _FOR_EVER if fresh else "no-store", "X-Content-Type-Options": "nosniff"}
