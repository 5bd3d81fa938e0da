"""The two cookies: one of the session, one that ties the login form to the browser that asked for it.

Under TLS their names begin with `__Host-`, which makes browsers refuse them from any other host, path or without TLS
(RFC 6265bis 4.1.3.2); a cookie set over plain HTTP is then not even looked at.
"""

from fastapi import Request, Response
from starlette.requests import HTTPConnection

from app.access.addresses import is_https
from app.config import Settings

SESSION = "7t_session"
LOGIN = "7t_login"


def read(request: HTTPConnection, name: str) -> str | None:
    """The value of our cookie; None without one."""
    return request.cookies.get(_named(request, name)) or None


def put(request: Request, response: Response, name: str, value: str) -> None:
    """Set a cookie for as long as the browser is open; the server ends sessions by itself."""
    secure = is_https(request.scope, _settings(request))
    response.set_cookie(_named(request, name), value, path="/", secure=secure, httponly=True, samesite="lax")


def clear(request: Request, response: Response, name: str) -> None:
    """Take a cookie away."""
    secure = is_https(request.scope, _settings(request))
    response.delete_cookie(_named(request, name), path="/", secure=secure, httponly=True, samesite="lax")


def _named(request: HTTPConnection, name: str) -> str:
    return f"__Host-{name}" if is_https(request.scope, _settings(request)) else name


def _settings(request: HTTPConnection) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
