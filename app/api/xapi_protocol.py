"""The order of everything between the wire and the doors, in one place.

From the outside in:

    CORS               pages of other sites read refusals too, so it is around everything that can refuse
    request ids        each answer and each line of the log has one
    version header     on every reply under /xapi, so around the two that can refuse a body
    OPTIONS            says which methods there are
    compression        what is further in sees plain bytes
    Consistent-Through on every reply of the Statement Resource, refusals included
    alternate syntax   reads a form, so after it is decompressed; the doors see the request that it means

The version header stands around compression, because a 415 is a reply as well (xAPI 1.0.3 Communication 3.3: the
header is in every response). A CORS preflight is answered by the outermost layer, before it is an xAPI request.
"""

from fastapi import FastAPI

from app.api.cors import OptionsUnderXapi, install_cors
from app.api.encoding import install_encoding
from app.api.requests import RequestIds
from app.api.xapi_alternate import AlternateRequests
from app.api.xapi_consistency import ConsistentThrough
from app.api.xapi_headers import VersionHeader
from app.config import Settings


def install_protocol(app: FastAPI, settings: Settings) -> None:
    """Put all layers around the doors (xAPI 1.0.3 Communication 1.2, 1.3, 3.3). The one added last is outermost."""
    app.add_middleware(AlternateRequests, max_body_bytes=settings.max_body_bytes)
    app.add_middleware(ConsistentThrough)
    install_encoding(app, settings.max_body_bytes)
    app.add_middleware(OptionsUnderXapi)
    app.add_middleware(VersionHeader)
    app.add_middleware(RequestIds)
    install_cors(app, settings)
