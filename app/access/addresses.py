"""From which address does a request come? Headers are believed as far as the operator says that proxies write them."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import Scope

from app.config import Settings


def client_address(request: Request, trusted_proxies: int) -> str:
    """The address that counts for limits: an IPv4 address, or the /64 network of an IPv6 one.

    trusted_proxies: how many proxies of ours append to X-Forwarded-For. The entry that the outermost of them wrote
    counts; whatever stands left of it was written by whoever sent the request. With 0, or with fewer entries than there
    are proxies, it is the peer of the connection.
    """
    peer = request.client.host if request.client else ""
    if trusted_proxies:
        chain = [part.strip() for part in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
        if len(chain) >= trusted_proxies and (found := _counted(chain[-trusted_proxies])):
            return found
    return _counted(peer) or peer


def is_https(scope: Scope, settings: Settings) -> bool:
    """Whether the browser speaks TLS: to us, to a proxy of ours that says so, or to the host of an https PUBLIC_URL."""
    if scope["scheme"] in ("https", "wss"):
        return True
    headers = Headers(scope=scope)
    public = urlsplit(settings.public_url or "")
    if public.scheme == "https" and headers.get("host", "").lower() == public.netloc.lower():
        return True
    return bool(settings.signup_trusted_proxies) and _nearest(headers.getlist("x-forwarded-proto")) == "https"


def _nearest(values: Sequence[str]) -> str:
    """What the proxy nearest to us wrote or passed on; what stands left of it, anybody may have written."""
    return ",".join(values).split(",")[-1].strip().lower()


def _counted(text: str) -> str | None:
    text = text.strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        # Whoever has one IPv6 address has 2^64 of them (RFC 6177).
        return str(ip_network((address, 64), strict=False))
    return str(address)
