"""The role that analysts ask SQL with: what it may read, what it may call, and how it is bounded.

This is the lock. Whatever is checked before a query is sent is courtesy; what this role cannot do, nobody who asks SQL
can do. `grant_reading` brings the role to exactly what is written here, however often it runs.
"""

from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import DBAPIError

from app.config import Settings
from app.platform.logs import get_logger

log = get_logger(__name__)

WHOLE_SCHEMAS = ("bronze", "silver", "gold")
"""Every table in these can be read, those of later migrations too."""

READABLE: dict[str, tuple[str, ...]] = {
    "public.users": (),
    "public.user_identifiers": (),
    "public.cohorts": (),
    "public.cohort_members": (),
    "public.cohort_lessons": (),
    "public.lessons": (),
    "public.notifications": (
        *("id", "learner_id", "local_day", "time_zone", "cohort_id", "lessons", "status", "attempts"),
        *("claimed_at", "retry_at", "sent_at"),
    ),
    "public.reminder_stops": ("learner_id", "unsubscribed_at", "bounced_at", "resumed_at"),
    "ops.job_runs": (),
    "ops.task_status": (),
    "ops.imports": (),
    "ops.dead_letters": (
        *("id", "source", "code", "reason", "path", "content_type", "statement_id", "seen_count", "attempts"),
        *("status", "first_seen_at", "last_seen_at", "xapi_version", "resolved_at"),
    ),
}
"""What can be read elsewhere, and which columns; (): all of them.

Not here: credentials, accounts, sessions and tokens; the audit log; documents, as senders keep in them what they like;
bodies of dead letters, which may be anything; message ids and hashes of addresses, with which links and mails are tied.
"""

CLOSED_FUNCTIONS = (
    # A lock that somebody holds stops the loader, and the key of each stands in the source.
    r"pg\_advisory%",
    r"pg\_try\_advisory%",
    # Large objects are written and grow.
    r"lo\_%",
    "loread",
    "lowrite",
    # Writes to the log that is fsynced and shipped, as much as one likes.
    "pg_logical_emit_message",
    "pg_notify",
    # Analysts share the role: of each other they neither end nor see the queries.
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_stat_get_activity",
    "pg_stat_get_backend_activity",
    # Keeps rows from being cleaned up for as long as it is held.
    "pg_export_snapshot",
)
"""Functions, as patterns of LIKE, that PostgreSQL lets everybody call and that do more than read."""

SEARCH_PATH = "public, silver, bronze, gold, ops"
CONNECTION_LIMIT = 20
TEMP_FILE_LIMIT = "2GB"
IDLE_SECONDS = 60
WORK_MEM = "16MB"
_LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class Granted:
    """What came of it. role: its name. left_open: what is not locked, each in words; empty when all is."""

    role: str
    left_open: tuple[str, ...]


def role_name(database: str) -> str:
    """The role of a database: roles are shared by all databases of a server, and two must not share one."""
    name = f"{database}_reader"
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    return f"{database.encode()[:40].decode(errors='ignore')}_{sha256(database.encode()).hexdigest()[:12]}_reader"


def reader_url(settings: Settings) -> str | None:
    """The SQLAlchemy URL that analysts' queries go by: READONLY_DATABASE_URL, or DATABASE_URL as the reader.

    None when neither READONLY_DATABASE_URL nor READER_PASSWORD is set.
    """
    if settings.readonly_database_url:
        return "postgresql+psycopg2://" + settings.readonly_database_url.partition("://")[2]
    if not settings.reader_password:
        return None
    url = make_url(settings.sqlalchemy_url)
    reader = url.set(username=role_name(url.database or ""), password=settings.reader_password)
    return reader.render_as_string(hide_password=False)


def grant_reading(engine: Engine, password: str, *, timeout_seconds: float = 15) -> Granted:
    """Make the role, or bring it to what is written in this module. engine: of the owner of the tables.

    Needs CREATEROLE, and a superuser to close functions and to limit temporary files; without the latter `left_open`
    says what remains. ProgrammingError (insufficient privilege) when the role cannot be made at all.
    """
    with engine.begin() as db:
        # Two deploys at once would trip over each other's rows in the catalog.
        db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('7taps-analytics.reader', 0))"))
        database = db.scalar(text("SELECT current_database()"))
        role = role_name(str(database))
        _make(db, role, password)
        _bound(db, role, str(database), timeout_seconds)
        _close(db, str(database))
        _open(db, role)
    with engine.connect() as db:
        return Granted(role, what_is_open(db, role))


def what_is_open(db: Connection, role: str | None = None) -> tuple[str, ...]:
    """What this role (or who is connected) could do beyond reading what it should, each in words."""
    allowed = [name for name, columns in READABLE.items() if not columns]
    allowed += [f"{name}.{column}" for name, columns in READABLE.items() for column in columns]
    given = {"role": role, "patterns": list(CLOSED_FUNCTIONS), "allowed": allowed}
    return tuple(db.execute(text(_OPEN), given).scalars())


_OPEN = r"""
WITH asking AS (SELECT coalesce(CAST(:role AS name), current_user) AS name),
me AS (SELECT r.* FROM pg_catalog.pg_roles r JOIN asking ON r.rolname = asking.name)
SELECT 'may do more than log in (superuser, roles, databases, replication or row security)' FROM me
 WHERE rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
UNION ALL SELECT 'is a member of other roles' FROM me
 WHERE EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.member = me.oid)
UNION ALL SELECT 'may call ' || string_agg(DISTINCT p.proname::text, ', ' ORDER BY p.proname::text)
  FROM me, pg_catalog.pg_proc p
 WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname LIKE ANY (CAST(:patterns AS text[]))
   AND has_function_privilege(me.oid, p.oid, 'EXECUTE') HAVING count(*) > 0
UNION ALL SELECT 'may create in the database or has temporary tables' FROM me
 WHERE has_database_privilege(me.oid, current_database(), 'CREATE')
    OR has_database_privilege(me.oid, current_database(), 'TEMP')
UNION ALL SELECT 'may create in schema ' || n.nspname FROM me, pg_catalog.pg_namespace n
 WHERE n.nspname !~ '^pg_' AND has_schema_privilege(me.oid, n.oid, 'CREATE')
UNION ALL SELECT 'may write ' || c.oid::regclass FROM me, pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n
    ON n.oid = c.relnamespace WHERE n.nspname !~ '^(pg_|information_schema)' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND (has_table_privilege(me.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        OR has_any_column_privilege(me.oid, c.oid, 'INSERT, UPDATE, REFERENCES'))
UNION ALL SELECT 'may use ' || c.oid::regclass FROM me, pg_catalog.pg_class c WHERE c.relkind = 'S'
   AND has_sequence_privilege(me.oid, c.oid, 'USAGE, SELECT, UPDATE')
UNION ALL SELECT 'may read ' || string_agg(DISTINCT c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text)
  FROM me, pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname IN ('public', 'ops') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND has_column_privilege(me.oid, c.oid, a.attnum, 'SELECT')
   AND NOT n.nspname || '.' || c.relname || '.' || a.attname = ANY (CAST(:allowed AS text[]))
   AND NOT n.nspname || '.' || c.relname = ANY (CAST(:allowed AS text[]))
HAVING count(*) > 0
"""


def _make(db: Connection, role: str, password: str) -> None:
    """Create or alter the role; it logs in and does nothing else."""
    bare = (
        "LOGIN NOINHERIT NOCREATEDB NOCREATEROLE NOREPLICATION "
        f"CONNECTION LIMIT {CONNECTION_LIMIT} VALID UNTIL 'infinity'"
    )
    known = db.scalar(text("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = :role"), {"role": role})
    do = "ALTER" if known else "CREATE"
    _run(db, f"{do} ROLE {{role}} {bare} PASSWORD {{password}}", role=role, password=password)
    for group in db.execute(
        text(
            "SELECT g.rolname FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid "
            "JOIN pg_catalog.pg_roles r ON r.oid = m.member WHERE r.rolname = :role"
        ),
        {"role": role},
    ).scalars():
        _run(db, "REVOKE {group} FROM {role}", group=group, role=role)


def _bound(db: Connection, role: str, database: str, timeout_seconds: float) -> None:
    """What each of its sessions begins with. Whoever is connected can change most of it for themselves, so none of it
    is what keeps writes out."""
    _run(db, "ALTER ROLE {role} IN DATABASE {database} RESET ALL", role=role, database=database)
    path = f"ALTER ROLE {{role}} IN DATABASE {{database}} SET search_path = {SEARCH_PATH}"
    _run(db, path, role=role, database=database)
    settings = {
        "default_transaction_read_only": "on",
        "statement_timeout": f"{int(timeout_seconds * 1000)}ms",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
        "work_mem": WORK_MEM,
        "max_parallel_workers_per_gather": "1",
        "timezone": "UTC",
        "log_parameter_max_length": "0",
        "temp_file_limit": TEMP_FILE_LIMIT,
    }
    for name, value in settings.items():
        # Some only a superuser may set for a role; the others hold all the same.
        db.execute(text("SAVEPOINT setting"))
        try:
            _run(
                db,
                f"ALTER ROLE {{role}} IN DATABASE {{database}} SET {name} = {{password}}",
                role=role,
                database=database,
                password=value,
            )
        except DBAPIError as error:
            db.execute(text("ROLLBACK TO SAVEPOINT setting"))
            log.warning("a setting of the reader could not be made", setting=name, error=str(error).split("\n")[0])
        db.execute(text("RELEASE SAVEPOINT setting"))


def _close(db: Connection, database: str) -> None:
    """Take from everybody what only readers of the catalog think harmless; the owner keeps it."""
    _run(db, "REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC", database=database)
    schemas = ("public", *WHOLE_SCHEMAS, "ops")
    for schema in schemas:
        _run(db, "REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC", schema=schema)
    functions = db.execute(
        text(
            "SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc p "
            "WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname LIKE ANY (CAST(:patterns AS text[])) "
            "AND has_function_privilege(current_user, p.oid, 'EXECUTE WITH GRANT OPTION') "
            "AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))"
        ),
        {"patterns": list(CLOSED_FUNCTIONS)},
    ).scalars()
    owner = str(db.scalar(text("SELECT current_user")))
    for function in functions.all():
        _run(db, f"GRANT EXECUTE ON FUNCTION pg_catalog.{function} TO {{owner}}", owner=owner)
        if function.startswith("pg_stat_get"):
            _run(db, f"GRANT EXECUTE ON FUNCTION pg_catalog.{function} TO pg_read_all_stats")
        _run(db, f"REVOKE EXECUTE ON FUNCTION pg_catalog.{function} FROM PUBLIC")


def _open(db: Connection, role: str) -> None:
    """Take everything from the role, then give it what it may read."""
    for schema in ("public", *WHOLE_SCHEMAS, "ops"):
        _run(db, "REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}", schema=schema, role=role)
        _run(db, "REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role}", schema=schema, role=role)
        _run(db, "REVOKE ALL ON SCHEMA {schema} FROM {role}", schema=schema, role=role)
        _run(db, "GRANT USAGE ON SCHEMA {schema} TO {role}", schema=schema, role=role)
    for schema in WHOLE_SCHEMAS:
        _run(db, "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}", schema=schema, role=role)
        _run(
            db, "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {role}", schema=schema, role=role
        )
    for table, columns in READABLE.items():
        listed = f" ({', '.join(columns)})" if columns else ""
        _run(db, f"GRANT SELECT{listed} ON {table} TO {{role}}", role=role)


def _run(db: Connection, statement: str, **names: str) -> None:
    """A statement that takes no parameters, with names and, in `password`, text put in as PostgreSQL quotes them."""
    quoted = {
        name: str(
            db.scalar(
                text("SELECT quote_literal(:it)" if name == "password" else "SELECT quote_ident(:it)"), {"it": value}
            )
        )
        for name, value in names.items()
    }
    db.exec_driver_sql(statement.format(**quoted).replace("%", "%%"))
