"""From which address does a request come? Headers are believed as far as the operator says that proxies write them."""

from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request


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
