"""Who may use which route: the written table that test_access.py holds every route of the application against.

OPEN: anybody. OWN: whoever is logged in with a session, in whatever role. SENDER: credentials of a sender (HTTP Basic).
Everything else is a scope of app/accounts/scopes.py.
"""

OPEN = "open"
OWN = "own session"
ASKING = "any caller"
SENDER = "sender"

ROUTES: dict[str, str] = {
    "GET /": OPEN,
    "GET /openapi.json": OPEN,
    "GET /docs": OPEN,
    "GET /docs/start.js": OPEN,
    "GET /docs-files/swagger-ui.css": OPEN,
    "GET /health": OPEN,
    "GET /health/ready": OPEN,
    "GET /metrics": "metrics:read",
    "POST /api/signup": OPEN,
    "GET /unsubscribe/{token}": OPEN,
    "POST /unsubscribe/{token}": OPEN,
    # statements of senders
    "POST /xapi/statements": SENDER,
    "PUT /xapi/statements": SENDER,
    "GET /xapi/statements": SENDER,
    "HEAD /xapi/statements": SENDER,
    "POST /api/xapi/statements": SENDER,
    "PUT /api/xapi/statements": SENDER,
    "GET /xapi/about": OPEN,
    "HEAD /xapi/about": OPEN,
    "GET /xapi/activities": SENDER,
    "HEAD /xapi/activities": SENDER,
    "GET /xapi/agents": SENDER,
    "HEAD /xapi/agents": SENDER,
    **{
        f"{method} /xapi/{resource}": SENDER
        for resource in ("activities/state", "activities/profile", "agents/profile")
        for method in ("GET", "HEAD", "PUT", "POST", "DELETE")
    },
    # reports, and what they are asked by
    "GET /api/reports/cohorts/{cohort_id}/completions": "reports:read",
    "GET /api/reports/cohorts/{cohort_id}/overview": "reports:read",
    "GET /api/reports/cohorts/{cohort_id}/at-risk": "reports:read",
    "GET /api/reports/cohorts/{cohort_id}/drop-off": "reports:read",
    "GET /api/reports/cohorts/{cohort_id}/answers": "reports:read",
    "GET /api/reports/lessons/{lesson_id}/answers": "reports:read",
    "GET /api/reports/lessons/{lesson_id}/answers/{question_id}/texts": "reports:read",
    "GET /api/reports/lessons/{lesson_id}/incomplete": "reports:read",
    "GET /api/reports/learners/{learner_id}/timeline": "reports:read",
    "GET /api/cohorts": "reports:read",
    "GET /api/cohorts/{slug}/lessons": "reports:read",
    "GET /api/lessons": "reports:read",
    # people
    "GET /api/learners": "learners:read",
    "GET /api/learners/{learner_id}": "learners:read",
    "GET /api/imports": "learners:read",
    "GET /api/imports/{import_id}": "learners:read",
    "GET /api/learners/{learner_id}/export": "people:write",
    "POST /api/learners/{learner_id}/merge": "people:write",
    "POST /api/learners/{learner_id}/split": "people:write",
    "DELETE /api/learners/{learner_id}": "people:write",
    "PUT /api/cohorts/{slug}": "people:write",
    "PUT /api/cohorts/{slug}/lessons": "people:write",
    "PUT /api/lessons/{lesson_id}": "people:write",
    "POST /api/roster": "people:write",
    "POST /api/responses": "people:write",
    # reminders
    "GET /api/debug/reminder-preview": "reminders:read",
    "GET /api/reminders": "reminders:read",
    "GET /api/reminders/cohorts/{cohort_id}": "reminders:read",
    "POST /api/reminders/cohorts/{cohort_id}/preview": "reminders:read",
    "GET /api/reminders/{reminder_id}/mail": "reminders:send",
    "POST /api/reminders/{reminder_id}/mark-sent": "reminders:send",
    "POST /api/reminders/{reminder_id}/send-again": "reminders:send",
    "POST /api/reminders/learners/{learner_id}/resume": "reminders:send",
    "POST /api/reminders/bounces": "reminders:send",
    "PUT /api/reminders/cohorts/{cohort_id}": "reminders:send",
    # the pipeline
    "GET /api/debug/pipeline": "pipeline:read",
    # Prebuilt queries; those about the quarantine also need dead-letters:read. Own words need sql:read, on the page.
    "GET /api/debug/queries": "reports:read",
    "GET /api/debug/query": "reports:read",
    "POST /api/debug/query": "reports:read",
    "GET /api/loader": "pipeline:read",
    "POST /api/loader/resume": "pipeline:run",
    "GET /api/dead-letters": "dead-letters:read",
    "GET /api/dead-letters/{letter_id}": "dead-letters:read",
    "GET /api/dead-letters/{letter_id}/body": "dead-letters:read",
    "POST /api/dead-letters/replay": "dead-letters:write",
    "POST /api/dead-letters/{letter_id}/replay": "dead-letters:write",
    "POST /api/dead-letters/{letter_id}/discard": "dead-letters:write",
    # who gets in
    "GET /api/session": ASKING,
    "GET /api/accounts": "accounts:write",
    "POST /api/accounts": "accounts:write",
    "PATCH /api/accounts/{account_id}": "accounts:write",
    "GET /api/tokens": "keys:write",
    "POST /api/tokens": "keys:write",
    "DELETE /api/tokens/{token_id}": "keys:write",
    "GET /api/audit": "audit:read",
    # pages
    "GET /ui/static/{hash}/{name}": OPEN,
    "GET /ui": "reports:read",
    "GET /ui/charts/{name}": "reports:read",
    "GET /ui/definitions": "reports:read",
    "GET /ui/live": "reports:read",
    "GET /ui/search": "reports:read",
    "GET /ui/statements": "statements:read",
    "GET /ui/statements/{statement_id}": "statements:read",
    "GET /ui/test-etl-streaming": "pipeline:read",
    "POST /ui/test-etl-streaming/resume": "pipeline:run",
    "GET /ui/test-etl-incremental": "pipeline:read",
    "POST /ui/test-etl-incremental/run": "pipeline:run",
    "GET /ui/parts": "accounts:write",
    "GET /ui/db-terminal": "reports:read",
    "GET /ui/db-terminal/queries/{name}": "reports:read",
    "GET /ui/db-terminal/sql": "sql:read",
    "POST /ui/db-terminal/sql": "sql:read",
    "GET /ui/login": OPEN,
    "POST /ui/login": OPEN,
    "POST /ui/logout": OWN,
    "POST /ui/logout-everywhere": OWN,
    "GET /ui/account": OWN,
    "POST /ui/account/password": OWN,
    "POST /ui/account/sessions/{session_id}/end": OWN,
    "GET /ui/admin/accounts": "accounts:write",
    "POST /ui/admin/accounts": "accounts:write",
    "POST /ui/admin/accounts/{account_id}": "accounts:write",
}

VIEWER_HAS = frozenset(
    {"reports:read", "learners:read", "statements:read", "pipeline:read", "reminders:read", "progress:read"}
)
"""Written down once more, so that a viewer who is given another scope by mistake is noticed."""
