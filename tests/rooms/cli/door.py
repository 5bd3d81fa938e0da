"""A small real server that answers `load` and `demo` as the door does, and remembers it all."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

USER, PASSWORD, TOKEN = "somebody", "something secret", "an admin token"
PROBLEM = "application/problem+json"


@dataclass
class Door:
    """What it has, and how it behaves. explains: what a refusal tells of the bad ones in a batch."""

    url: str = ""
    stored: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    versions: set[str | None] = field(default_factory=set)
    cohorts: dict[str, Any] = field(default_factory=dict)
    buried: int = 0
    busy: int = 0
    explains: str = "refused and paths"
    most_bytes: int = 2**24
    healthy: bool = True
    failing: bool = False
    hold_after: int | None = None
    holding: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, statements: list[Any], texts: list[bytes]) -> Response | None:
        """Take all of them, or answer why not."""
        bad = {place: problem for place, one in enumerate(statements) if (problem := _problem(one))}
        if bad:
            self.buried += 1
            return self._refuse(400, bad, single=len(statements) == 1)
        taken = {
            place: {"path": "id", "message": "stands for something else"}
            for place, one in enumerate(statements)
            if self.stored.get(one["id"], one) != one
        }
        if taken:
            return self._refuse(409, taken)
        for one, text in zip(statements, texts, strict=True):
            self.stored[one["id"]] = one
            self.texts[one["id"]] = text
        return None

    def _refuse(self, status: int, bad: dict[int, Any], *, single: bool = False) -> Response:
        problems = [{**one, "path": f"[{place}].{one['path']}"} for place, one in bad.items()]
        body: dict[str, Any] = {"title": "Refused", "status": status, "code": "unreadable"}
        if "paths" in self.explains or (single and self.explains == "nothing of many"):
            body["problems"] = problems
        if self.explains == "refused and one path":
            body["problems"] = problems[:1]
        if "refused" in self.explains:
            body["refused"] = list(bad)
        return JSONResponse(body, status, media_type=PROBLEM)


def _problem(statement: Any) -> dict[str, str] | None:
    if not isinstance(statement, dict) or not isinstance(statement.get("actor"), dict):
        return {"path": "actor", "message": "is missing", "expected": "An Agent."}
    if not {"mbox", "account"} & statement["actor"].keys():
        return {"path": "actor", "message": "has no identifier", "expected": "An mbox."}
    if not str(statement["verb"]["id"]).startswith("http"):
        return {"path": "verb.id", "message": "is no IRI", "expected": "An IRI."}
    if isinstance(statement["object"].get("definition", {}).get("name"), str):
        return {"path": "object.definition.name", "message": "is a string", "expected": "A map."}
    if abs(statement.get("result", {}).get("score", {}).get("scaled", 0)) > 1:
        return {"path": "result.score.scaled", "message": "is too large", "expected": "0 to 1."}
    return None


def _routes(door: Door) -> list[Route]:
    basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def is_admin(request: Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {TOKEN}"

    async def statements(request: Request) -> Response:
        body = await request.body()
        if request.headers.get("Authorization") != basic:
            return JSONResponse({"title": "No"}, 401, media_type=PROBLEM)
        if door.failing:
            return JSONResponse({"title": "Broken on our side"}, 500, media_type=PROBLEM)
        if len(body) > door.most_bytes:
            return JSONResponse({"title": "Too large", "code": "too_large"}, 413)
        with door.lock:
            door.versions.add(request.headers.get("X-Experience-API-Version"))
            if door.busy:
                door.busy -= 1
                return JSONResponse({"title": "Busy"}, 503, {"Retry-After": "0"})
            hold = door.hold_after is not None and len(door.batches) >= door.hold_after
        if hold:
            door.holding.set()
            return JSONResponse({"title": "Busy"}, 503, {"Retry-After": "30"})
        return await run_in_threadpool(store, request, body)

    def store(request: Request, body: bytes) -> Response:
        try:
            value = json.loads(body)
        except ValueError:
            door.buried += 1
            problem = {"path": "$", "message": "is not JSON", "expected": "JSON"}
            return JSONResponse({"code": "unreadable", "problems": [problem]}, 400)
        many = value if isinstance(value, list) else [value]
        if request.method == "PUT" and value["id"] != request.query_params["statementId"]:
            return JSONResponse({"code": "unreadable", "title": "another id"}, 400)
        with door.lock:
            door.batches.append(len(many))
            refusal = door.take(many, [body] * len(many))
        if refusal:
            return refusal
        return JSONResponse([one["id"] for one in many]) if value is many else Response(None, 204)

    def pipeline(request: Request) -> Response:
        if not is_admin(request):
            return JSONResponse({"title": "No"}, 401)
        counts = {"stream_length": 0, "pending": 0, "flat_statements": 0}
        return JSONResponse({**counts, "raw_statements": len(door.stored), "dead_letters": door.buried})

    async def put_cohort(request: Request) -> Response:
        if not is_admin(request):
            return JSONResponse({"title": "No"}, 401)
        slug, body = request.path_params["slug"], await request.json()
        door.cohorts[slug] = body
        sizes = {"learners": len(body["learners"]), "lessons": len(body["lessons"])}
        return JSONResponse({"id": slug, "slug": slug, "name": body["name"], **sizes})

    def completions(request: Request) -> Response:
        slug = request.path_params["slug"]
        cohort = door.cohorts[slug]
        lessons = [
            {"id": one["activity_id"], "title": one["title"], "completed": 1, "rate": 0.5} for one in cohort["lessons"]
        ]
        name = {"id": slug, "slug": slug, "name": cohort["name"]}
        count = len(cohort["learners"])
        report = {"cohort": name, "learner_count": count, "rate": 0.25, "lessons": lessons}
        return JSONResponse({**report, "learners": []})

    def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"}, 200 if door.healthy else 503)

    return [
        Route("/health", health),
        Route("/xapi/statements", statements, methods=["POST"]),
        Route("/api/xapi/statements", statements, methods=["PUT"]),
        Route("/api/cohorts/{slug}", put_cohort, methods=["PUT"]),
        Route("/api/reports/cohorts/{slug}/completions", completions),
        Route("/api/debug/pipeline", pipeline),
    ]


@contextmanager
def open_door() -> Iterator[Door]:
    """A door on a free port of this machine, until the end of the block."""
    door = Door()
    listening = socket.create_server(("127.0.0.1", 0))
    door.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config = uvicorn.Config(Starlette(routes=_routes(door)), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield door
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()
