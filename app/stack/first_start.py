"""What the embedded stack makes for itself on the first start: a key pair for the sender, an admin token, and the
password of the role that analysts ask SQL with."""

from dataclasses import dataclass
from pathlib import Path

from app.config import Settings
from app.platform import keys
from app.stack.private_files import kept_secret, write_private
from app.stack.problems import StackError

FOLDER = "credentials"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What people paste. user, password: one-line bodies; password is None where the secret is not on this machine."""

    user: str
    password: str | None
    admin_token: str
    reader_password: str = ""


def credentials_for(settings: Settings, data_dir: Path) -> Credentials:
    """The credentials of the settings; what they leave out is made once and kept in DATA_DIR/credentials, mode 0600.

    StackError when PUBLIC_PEM or SECRET_PEM is no key, or when the two do not belong together.
    """
    folder = data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = settings.admin_token or kept_secret(folder / "admin_token")
    reader = settings.reader_password or kept_secret(folder / "reader_password")
    if settings.public_pem is None:
        if settings.secret_pem is not None:
            raise StackError("SECRET_PEM is set and PUBLIC_PEM is not. Set both, or neither.")
        return Credentials(*_kept_pair(folder), token, reader)
    user = _body("PUBLIC_PEM", settings.public_pem)
    password = _body("SECRET_PEM", settings.secret_pem) if settings.secret_pem else None
    if password is not None and not keys.proves(password, user):
        raise StackError("SECRET_PEM is not the secret key that belongs to PUBLIC_PEM.")
    return Credentials(user, password, token, reader)


def _kept_pair(folder: Path) -> tuple[str, str]:
    public, secret = folder / "public.pem", folder / "secret.pem"
    if not (public.exists() and secret.exists()):
        pair = keys.new_key_pair()
        # The secret first: a crash in between makes a new pair, never a public key that nobody can use.
        write_private(secret, pair.secret_pem)
        write_private(public, pair.public_pem)
    return _body(str(public), str(public)), _body(str(secret), str(secret))


def _body(name: str, text: str) -> str:
    try:
        return keys.one_line(text)
    except ValueError as error:
        raise StackError(f"{name} {error}.") from error
