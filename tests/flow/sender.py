"""A sender as the real ones are: several connections, full speed, and each statement again until it was taken."""

import base64
import http.client
import threading
import time
from collections import Counter
from uuid import uuid4

import orjson

from tests.statements import COMPLETED, lesson

PAUSE_S = 0.05
ANSWER_S = 20.0
GIVE_UP_S = 150.0


class Sender:
    """PUTs small valid statements, each under an id of its own, from start() until stop().

    503, 502 and broken connections are answered by the same statement under the same id; anything else but a 2xx is
    kept in `surprises`, with the status and the beginning of the answer.
    """

    def __init__(self, port: int, credentials: tuple[str, str], connections: int = 6):
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()
        self.surprises: list[str] = []
        self.troubles: Counter[str] = Counter()
        """What kept statements from being taken at once: refused (503), broken (no answer)."""
        self._port = port
        token = base64.b64encode(":".join(credentials).encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(connections)]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, once the statements in hand were taken."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(GIVE_UP_S)
        assert not any(thread.is_alive() for thread in self._threads), self.troubles

    def _run(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_S)
        while not self._stopping.is_set():
            statement_id = str(uuid4())
            with self._lock:
                self.sent.add(statement_id)
            self._send(connection, statement_id, self._body(statement_id, number))
        connection.close()

    def _body(self, statement_id: str, number: int) -> bytes:
        statement = {
            "id": statement_id,
            "actor": {"mbox": f"mailto:learner{number}@example.org"},
            "verb": {"id": COMPLETED},
            "object": lesson(number),
        }
        return orjson.dumps(statement)

    def _send(self, connection: http.client.HTTPConnection, statement_id: str, body: bytes) -> None:
        give_up = time.monotonic() + GIVE_UP_S
        while time.monotonic() < give_up:
            try:
                connection.request("PUT", f"/api/xapi/statements?statementId={statement_id}", body, self._headers)
                answer = connection.getresponse()
                told = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                trouble = "broken"
            else:
                if 200 <= answer.status < 300:
                    with self._lock:
                        self.acknowledged.add(statement_id)
                    return
                if answer.status != http.HTTPStatus.SERVICE_UNAVAILABLE:
                    with self._lock:
                        self.surprises.append(f"{answer.status} {told[:500]!r}")
                    return
                if answer.headers["Retry-After"] is None:
                    with self._lock:
                        self.surprises.append(f"503 without Retry-After: {told[:500]!r}")
                trouble = "refused"
            with self._lock:
                self.troubles[trouble] += 1
            # Sooner than a polite sender would come back: the moments in which something goes wrong are short.
            time.sleep(PAUSE_S)
