"""Mail over TLS, and with a login: what is encrypted, who is let in, and that nothing goes out in the clear instead."""

import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app.config import get_settings
from tests.flow.certificates import Authority
from tests.flow.post_office import PostOffice
from tests.flow.reminding import MORNING, course, rows, send

USER, PASSWORD = "course@school.example", "p:ss w%rd@\u00fc"
IN_URL = ":".join(quote(one, safe="") for one in (USER, PASSWORD))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.made(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def secure(clean: None, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    """A mail server that is not open yet; its authority is trusted."""
    post = PostOffice(users={USER: PASSWORD})
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    monkeypatch.setenv("MAIL_FROM", "course@school.example")
    monkeypatch.setenv("SMTP_TIMEOUT_SECONDS", "10")
    course("ann@example.org", "ben@example.org")
    yield post
    post.close()
    monkeypatch.undo()
    get_settings.cache_clear()


# aiosmtpd knows only STARTTLS as TLS, and warns.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


def use(post: PostOffice, scheme: str, monkeypatch: pytest.MonkeyPatch, login: str = "") -> None:
    """Let SMTP_URL name this server."""
    at = f"{login}@" if login else ""
    monkeypatch.setenv("SMTP_URL", f"{scheme}://{at}127.0.0.1:{post.port}")
    get_settings.cache_clear()


def open_securely(post: PostOffice, scheme: str, context: ssl.SSLContext, **options: Any) -> None:
    """TLS from the first byte (smtps), or after STARTTLS, without which this server takes nothing."""
    if scheme == "smtps":
        # aiosmtpd counts only STARTTLS as TLS when it comes to logins.
        post.open(ssl_context=context, auth_require_tls=False, **options)
    else:
        post.open(tls_context=context, require_starttls=True, **options)


@pytest.mark.parametrize("password", [PASSWORD, "plain ASCII"])
@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_mail_goes_out_encrypted_and_logged_in(
    secure: PostOffice, authority: Authority, monkeypatch: pytest.MonkeyPatch, scheme: str, password: str
) -> None:
    secure.users[USER] = password
    open_securely(secure, scheme, authority.server(), authenticator=secure.judge, auth_required=True)
    use(secure, scheme, monkeypatch, login=f"{quote(USER)}:{quote(password)}")
    assert send().sent == 2
    assert sorted(secure.recipients()) == ["ann@example.org", "ben@example.org"]
    assert [(one.encrypted, one.logged_in) for one in secure.letters] == [(True, True)] * 2
    assert {str(one.message["To"]) for one in secure.letters} == {"Ann <ann@example.org>", "Ann <ben@example.org>"}


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_wrong_password_stops_the_run_says_so_and_blames_nobody(
    secure: PostOffice, authority: Authority, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    open_securely(secure, scheme, authority.server(), authenticator=secure.judge, auth_required=True)
    use(secure, scheme, monkeypatch, login="course%40school.example:wrong-secret")
    run = send()
    assert (run.sent, rows(), secure.tried) == (0, [], [])
    assert "535" in (run.stopped or "")
    assert "wrong-secret" not in (run.stopped or "")
    use(secure, scheme, monkeypatch, login=IN_URL)
    assert send(MORNING + timedelta(minutes=5)).sent == 2


def test_a_server_that_lets_nobody_in_without_a_login_is_understood(
    secure: PostOffice, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_securely(secure, "smtps", authority.server(), authenticator=secure.judge, auth_required=True)
    use(secure, "smtps", monkeypatch)
    run = send()
    assert (run.sent, run.bounced, run.failed) == (0, 0, 0)
    assert "530" in (run.stopped or "")


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("unknown authority", "unable to get local issuer certificate"),
        ("another name", "not valid for '127.0.0.1'"),
        ("expired", "expired"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_refused_in_words(
    secure: PostOffice,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    scheme: str,
    what: str,
    said: str,
) -> None:
    servers = {
        "unknown authority": lambda: Authority.made(tmp_path, "Somebody else").server(),
        "another name": lambda: authority.server("mail.other.example"),
        "expired": lambda: authority.server(until=timedelta(days=-1)),
    }
    open_securely(secure, scheme, servers[what](), authenticator=secure.judge)
    use(secure, scheme, monkeypatch, login=IN_URL)
    run = send()
    assert (run.sent, secure.tried, secure.letters, rows()) == (0, [], [], [])
    assert f"the certificate of 127.0.0.1:{secure.port} is not trusted" in (run.stopped or "")
    assert said in (run.stopped or "")
    assert secure.logins == []


def test_a_server_without_starttls_is_told_nothing_in_the_clear(
    secure: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    secure.open(authenticator=secure.judge, auth_require_tls=False)
    use(secure, "smtp+starttls", monkeypatch, login=IN_URL)
    run = send()
    assert (run.sent, secure.tried, secure.letters, secure.logins, rows()) == (0, [], [], [], [])
    assert "STARTTLS" in (run.stopped or "")


def test_a_server_without_a_login_is_not_mailed_through_without_one(
    secure: PostOffice, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    secure.open(ssl_context=authority.server())
    use(secure, "smtps", monkeypatch, login=IN_URL)
    run = send()
    assert (run.sent, secure.tried, rows()) == (0, [], [])
    assert "AUTH" in (run.stopped or "")


def test_speaking_tls_to_a_server_that_does_not_is_an_error_that_is_told(
    secure: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    secure.open()
    use(secure, "smtps", monkeypatch)
    run = send()
    assert (run.sent, rows()) == (0, [])
    assert f"127.0.0.1:{secure.port}" in (run.stopped or "")
