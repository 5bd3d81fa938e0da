"""The entries of the stream out and in: what was accepted and is not loaded yet."""

import base64
import json
from pathlib import Path
from typing import Any

import redis

from app.errors import Conflict

PAGE_ENTRIES = 200


def copy_stream(client: redis.Redis, name: str, path: Path) -> int:
    """Write each entry as a line of JSON, [id, {field: value}] with both in base64; returns how many.

    Every entry that is there when this begins is in the copy: entries leave the stream only once they are loaded, and
    then the database has them. So copy the stream first, the database after it.
    """
    entries, after = 0, "-"
    with path.open("w") as file:
        while page := _page(client, name, after):
            for message_id, fields in page:
                coded = {_coded(key): _coded(value) for key, value in fields.items()}
                file.write(json.dumps([message_id.decode(), coded]) + "\n")
            entries += len(page)
            after = f"({page[-1][0].decode()}"
    return entries


def put_back(client: redis.Redis, name: str, path: Path) -> int:
    """Append the entries of a copy under their own ids; returns how many. Conflict where the stream is not empty.

    Whatever had been loaded in the meantime is known to the record, and loading it again changes nothing.
    """
    if client.exists(name) and client.xlen(name):
        raise Conflict(f"The stream {name} is not empty: a backup goes into an empty one only.")
    entries = 0
    with path.open() as file:
        for line in file:
            message_id, coded = json.loads(line)
            fields: dict[Any, Any] = {base64.b64decode(key): base64.b64decode(value) for key, value in coded.items()}
            client.xadd(name, fields, id=message_id)
            entries += 1
    return entries


def _page(client: redis.Redis, name: str, after: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    found: Any = client.xrange(name, min=after, count=PAGE_ENTRIES)
    return list(found)


def _coded(value: bytes) -> str:
    return base64.b64encode(value).decode()
