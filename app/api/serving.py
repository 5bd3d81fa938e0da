"""The socket of the API and the server behind it, where no launcher starts it: `python -m app serve`."""

import logging
import socket

import uvicorn

log = logging.getLogger(__name__)

DRAIN_SECONDS = 10
"""After SIGTERM: how long requests in hand may take. Nothing new is taken meanwhile."""
WAITING_CONNECTIONS = 2_048


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens on host and port. `::` means every address, IPv4 and IPv6 alike.

    asyncio binds `::` to IPv6 only; private networks of hosting services are IPv6 and their edges often IPv4. Where
    the machine has no IPv6, `::` is every IPv4 address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if host == "::" and not socket.has_dualstack_ipv6():
        host, family = "0.0.0.0", socket.AF_INET  # noqa: S104
    return socket.create_server(
        (host, port),
        family=family,
        backlog=WAITING_CONNECTIONS,
        dualstack_ipv6=host == "::" and family != socket.AF_INET,
    )


def serve(host: str, port: int) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish those in hand.

    Headers of proxies are left to app.access.addresses, which knows whom to believe.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            "app.main:create_app",
            factory=True,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )
    with listening_socket(host, port) as listening:
        server.run(sockets=[listening])
