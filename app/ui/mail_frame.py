"""A mail as it looks, shut away: a document of its own that runs nothing, loads nothing and belongs to no site.

Mails carry inline styles, which the policy of our pages forbids. So the words of a mail never stand in a page: they
are a document at an address of its own, in a frame without any rights, under a policy that allows styles and nothing
else.
"""

from fastapi import Response

from app.access.headers import CONTENT_SECURITY_POLICY
from app.ui.pages import PRIVATE

FRAMED = {
    **PRIVATE,
    "Content-Security-Policy": "; ".join(
        (
            "sandbox",
            "default-src 'none'",
            "style-src 'unsafe-inline'",
            "img-src data:",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    ),
    "X-Frame-Options": "SAMEORIGIN",
}
"""What goes with a mail: scripts, forms, plugins and requests to anywhere are off, and only our own pages frame it."""

_FRAMING = {"Content-Security-Policy": f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"}


def mail_document(html: str) -> Response:
    """The HTML of a mail as a document of its own."""
    return Response(html, media_type="text/html; charset=utf-8", headers=FRAMED)


def framing(response: Response) -> Response:
    """The page that frames such a document, or a tool behind us. It may frame what is ours; all else is as ever."""
    response.headers.update(_FRAMING)
    return response
