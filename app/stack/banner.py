"""What the launcher prints when the system answers: everything a person needs next, once."""

from pathlib import Path

from app.stack.first_start import Credentials

_ELSEWHERE = "(the secret key that belongs to it; SECRET_PEM is not on this machine)"


def banner(base_url: str, credentials: Credentials, data_dir: Path) -> str:
    """The banner as text. base_url: the address that people use, without a slash at its end."""
    rows = (
        ("", "7taps Analytics is running"),
        ("", ""),
        ("Pages", f"{base_url}/ui"),
        ("Admin token", credentials.admin_token),
        ("", "Log in with it; the API takes it too: Authorization: Bearer …"),
        ("", ""),
        ("", "Paste into 7taps (xAPI, HTTP Basic):"),
        ("Statement URL", f"{base_url}/api/xapi/statements"),
        ("User name", credentials.user),
        ("Password", credentials.password or _ELSEWHERE),
        ("", ""),
        ("Data", str(data_dir)),
        ("", ""),
        ("", "Try it: make demo (in another terminal). Ctrl-C stops everything."),
    )
    lines = [f"  {name:<13}  {value}".rstrip() if name else f"  {value}".rstrip() for name, value in rows]
    rule = "─" * max(map(len, lines))
    return "\n".join(("", rule, *lines, rule, ""))
