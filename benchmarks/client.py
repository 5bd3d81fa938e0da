"""A load generator that costs little: requests made beforehand, written to open connections, answers counted."""

import asyncio
import time


async def requests_per_second(port: int, requests: list[bytes], connections: int) -> float:
    """Send each request once over that many keep-alive connections; every answer has to be a 2xx."""
    queue = iter(requests)

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in queue:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 2"):
                raise RuntimeError(head.decode(errors="replace"))
            length = next((x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")), b":0")
            if size := int(length.split(b":")[1]):
                await reader.readexactly(size)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(connections)))
    return len(requests) / (time.perf_counter() - started)


def put_request(path: str, body: bytes, headers: str = "") -> bytes:
    """One PUT with a JSON body."""
    return (
        f"PUT {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{headers}\r\n"
    ).encode() + body
