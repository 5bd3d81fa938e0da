"""All layers between the wire and the doors around a tiny application, for the tests of those layers."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from app.api.problems import install_problems
from app.api.requests import read_body
from app.api.xapi_protocol import install_protocol
from app.api.xapi_version import VERSION_HEADER
from app.config import Settings

STATEMENTS = "/xapi/statements"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LIMIT = 100_000


def client(**settings: Any) -> TestClient:
    """All layers around a small application that tells what reached it."""
    app = FastAPI()
    install_problems(app)

    @app.api_route("/xapi/echo", methods=["GET", "PUT", "POST", "DELETE", "HEAD"])
    async def echo(request: Request) -> dict[str, Any]:
        body = await read_body(request, LIMIT)
        return {
            "method": request.method,
            "query": request.query_params.multi_items(),
            "headers": dict(request.headers),
            "body": body.decode("latin-1"),
        }

    @app.post("/xapi/model")
    async def model(body: dict[str, Any]) -> int:
        return len(body)

    @app.get("/xapi/broken")
    async def broken() -> None:
        raise RuntimeError("a mistake of ours")

    @app.get("/elsewhere")
    async def elsewhere() -> str:
        return "x" * 5_000

    install_protocol(app, Settings(max_body_bytes=LIMIT, **settings))
    return TestClient(app, raise_server_exceptions=False)


def refused(answer: Any, status: int = 400) -> dict[str, Any]:
    """Check that it is a refusal in the one shape, with the version header, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert VERSION_HEADER in answer.headers
    told: dict[str, Any] = answer.json()
    return told
