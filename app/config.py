"""Every setting of the system, from the environment, `.env`, or a running embedded stack.

Names carry their unit. `.env.example` describes each one; a test compares the two.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.platform.mail import mailbox
from app.platform.smtp import SmtpServer

RUNNING_STACK_FILE = "running.env"
"""Written into DATA_DIR by `python -m app up` while it runs, so that other commands find its stores and keys."""


class Settings(BaseSettings):
    """The settings of one process. Wrong values stop the process at start with the variable's name."""

    model_config = SettingsConfigDict(extra="ignore", str_strip_whitespace=True, hide_input_in_errors=True)

    # stores
    database_url: str | None = None
    redis_url: str | None = None
    data_dir: Path = Path(".data")

    # who may come in
    public_pem: str | None = None
    secret_pem: str | None = None
    admin_token: str | None = None
    credential_cache_seconds: float = Field(default=30, ge=0)
    session_idle_minutes: int = Field(default=30, ge=1, le=10_080)
    session_max_hours: int = Field(default=12, ge=1, le=720)
    login_max_per_name_per_quarter_hour: int = Field(default=20, ge=1, le=1_000)
    login_max_per_address_per_quarter_hour: int = Field(default=60, ge=1, le=100_000)

    # the door
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_url: str | None = None
    cors_origins: str = ""
    max_body_bytes: int = Field(default=16 * 2**20, ge=1024)
    max_batch_statements: int = Field(default=2_000, ge=1)
    page_statements: int = Field(default=100, ge=1)
    page_max_statements: int = Field(default=500, ge=1)
    read_wait_ms: int = Field(default=500, ge=0)

    # sign-up
    signup_redirect_url: str | None = None
    signup_origins: str = ""
    signup_max_per_address_per_hour: int = Field(default=120, ge=0)
    signup_trusted_proxies: int = Field(default=0, ge=0, le=10)

    # learners and their data
    erase_wait_seconds: float = Field(default=20, ge=0, le=300)
    retention_days: int = Field(default=0, ge=0, le=36_500)
    learner_display: Literal["names", "pseudonyms"] = "names"
    pseudonym_secret: str | None = None

    # the pipeline
    etl_mode: Literal["streaming", "incremental"] = "streaming"
    stream_name: str = "statements"
    stream_group: str = "loader"
    stream_max_entries: int = Field(default=500_000, ge=1)
    stream_max_memory_mib: int = Field(default=1_024, ge=0)
    loader_batch_entries: int = Field(default=1_000, ge=1)
    loader_claim_idle_seconds: float = Field(default=15, gt=0)
    loader_max_attempts: int = Field(default=6, ge=1)
    loader_max_buried_share: float = Field(default=0.5, gt=0, le=1)
    loader_flood_window_entries: int = Field(default=200, ge=1, le=10_000)
    etl_interval_minutes: int = Field(default=1, ge=1, le=59)
    etl_batch_statements: int = Field(default=1_000, ge=1)
    database_pool_size: int = Field(default=8, ge=1)
    database_statement_timeout_seconds: float = Field(default=60, gt=0)

    # SQL for analysts
    reader_password: str | None = None
    readonly_database_url: str | None = None
    sql_max_rows: int = Field(default=1_000, ge=1, le=10_000)
    sql_max_cost: float = Field(default=20_000_000, ge=1_000)
    sql_timeout_seconds: float = Field(default=15, gt=0, le=600)
    sql_pool_size: int = Field(default=3, ge=1, le=50)
    sql_history_entries: int = Field(default=200, ge=1, le=10_000)
    sqlpad_url: str | None = None
    superset_url: str | None = None
    tool_connect_seconds: float = Field(default=5, gt=0, le=60)
    tool_silence_seconds: float = Field(default=120, gt=0, le=3_600)
    tool_max_connections: int = Field(default=50, ge=1, le=1_000)

    # reminders
    smtp_url: str | None = None
    smtp_timeout_seconds: float = Field(default=60, gt=0, le=300)
    mail_from: str | None = None
    mail_secret: str | None = None
    reminder_quiet_from_hour: int = Field(default=21, ge=0, le=23)
    reminder_quiet_until_hour: int = Field(default=8, ge=0, le=23)
    reminder_max_unanswered: int = Field(default=3, ge=1, le=100)
    reminders_per_run_max: int = Field(default=10_000, ge=1)

    # what the project says about itself
    contracts_dir: Path | None = None
    test_report_file: Path | None = None

    # what it says
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "console"
    ready_max_lag_seconds: float = Field(default=120, gt=0)
    ready_dead_letter_minutes: int = Field(default=15, ge=1)
    ready_max_dead_letter_share: float = Field(default=0.05, gt=0, le=1)
    metrics_open: bool = False
    otel_exporter_otlp_endpoint: str | None = None

    @field_validator("signup_redirect_url")
    @classmethod
    def _is_a_web_address(cls, value: str | None) -> str | None:
        """A browser is sent there, so it is checked here once."""
        if value is not None and not re.fullmatch(r"https?://[^\s<>\"]+", value):
            raise ValueError("has to be a web address, such as https://www.example.org/thanks")
        return value

    @field_validator("signup_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        """Exact origins only: `*` would let every page of the web sign people up and read the answer."""
        for one in value.split(","):
            if one.strip() and not re.fullmatch(r"https?://[\w.-]+(:\d+)?/?", one.strip(), re.ASCII):
                raise ValueError(
                    f"{one.strip()!r} is no origin; write scheme and host, such as https://www.example.org"
                )
        return value

    @field_validator(
        "database_url",
        "redis_url",
        "public_pem",
        "secret_pem",
        "admin_token",
        "public_url",
        "signup_redirect_url",
        "smtp_url",
        "mail_from",
        "mail_secret",
        "pseudonym_secret",
        "reader_password",
        "readonly_database_url",
        "sqlpad_url",
        "superset_url",
        "otel_exporter_otlp_endpoint",
        "contracts_dir",
        "test_report_file",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        """`DATABASE_URL=` in a .env file means "not set", as its writer meant."""
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("sqlpad_url", "superset_url", mode="after")
    @classmethod
    def _is_scheme_and_host(cls, value: str | None) -> str | None:
        """Requests keep the path that they came with, so there is no place for another one."""
        if value is not None and not re.fullmatch(
            r"https?://(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?/?", value, re.ASCII
        ):
            raise ValueError("has to be scheme, host and port and nothing else, such as http://sqlpad:3000")
        return value

    @field_validator("smtp_url", mode="after")
    @classmethod
    def _smtp_url_is_one(cls, value: str | None) -> str | None:
        if value is not None:
            SmtpServer.of(value)
        return value

    @field_validator("mail_from", mode="after")
    @classmethod
    def _mail_from_is_one(cls, value: str | None) -> str | None:
        if value is not None:
            mailbox(value)
        return value

    @property
    def base_url(self) -> str:
        """The address people use: PUBLIC_URL, or the one we listen on."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def cors_origin_list(self) -> list[str]:
        """CORS_ORIGINS as browsers write an origin: without a slash at the end."""
        return [origin.strip().rstrip("/") for origin in self.cors_origins.split(",") if origin.strip()]

    @property
    def signup_origin_list(self) -> list[str]:
        """SIGNUP_ORIGINS as browsers write an origin."""
        return [origin.strip().rstrip("/") for origin in self.signup_origins.split(",") if origin.strip()]

    @property
    def sqlalchemy_url(self) -> str:
        """DATABASE_URL with the driver named; hosting services hand out postgres:// and postgresql:// alike."""
        if self.database_url is None:
            raise LookupError(
                "DATABASE_URL is not set. Start the embedded stack with `make run`, or point it at a PostgreSQL."
            )
        _scheme, _, rest = self.database_url.partition("://")
        return f"postgresql+psycopg2://{rest}"

    @property
    def required_pseudonym_secret(self) -> str:
        """What pseudonyms are made with: PSEUDONYM_SECRET, else ADMIN_TOKEN; LookupError when there is neither."""
        secret = self.pseudonym_secret or self.admin_token
        if secret is None:
            raise LookupError("LEARNER_DISPLAY=pseudonyms needs PSEUDONYM_SECRET or ADMIN_TOKEN to make them with.")
        return secret

    @property
    def required_redis_url(self) -> str:
        """REDIS_URL, or an error that says how to get one."""
        if self.redis_url is None:
            raise LookupError(
                "REDIS_URL is not set. Start the embedded stack with `make run`, or point REDIS_URL at a Redis."
            )
        return self.redis_url


def load_settings(*, running_stack: bool = True) -> Settings:
    """Read the settings anew. Strongest first: environment, `.env`, the file of the running embedded stack.

    running_stack=False leaves that last one out: the launcher must not mistake its own leftovers for settings.
    """
    own = Settings(_env_file=".env")
    if not running_stack:
        return own
    return Settings(_env_file=(own.data_dir / RUNNING_STACK_FILE, ".env"))


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once. Tests call `get_settings.cache_clear()`."""
    return load_settings()
