"""What tables and columns mean, for analysts who meet them in SQL: comments of the database.

A column that its model describes keeps that description. `app/registry.py` puts these onto the models, so that the
migrations compare them; a test demands a comment on everything that the reader of reader_role.py sees.
"""

from sqlalchemy import MetaData

TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "bronze.statements_raw": (
        "Statements as received, one row per statement id. For counting use silver.statements_flat.",
        {"xapi_version": "edition that it was sent under, such as 1.0.3 or 2.0.0"},
    ),
    "bronze.attachments": (
        "Data of attachments, one row per content.",
        {"content": "the bytes", "stored_at": "when it first came"},
    ),
    "silver.statements_flat": (
        "Who did what, with what result, one row per statement. The table to begin with.",
        {
            "statement_id": "statements_raw.id",
            "actor_email": "as sent, in lower case; of accounts NULL",
            "actor_name": "as sent with this statement; users.name is the name of today",
            "verb_id": "IRI of the verb",
            "object_id": "IRI of what it is about, mostly of a lesson or a question",
            "object_name": "its name as sent",
            "activity_type": "IRI of the kind of activity: lesson, question …",
            "interaction_type": "of questions: choice, fill-in, likert …",
            "success": "whether it was right or passed; NULL where nothing was judged",
            "completion": "result.completion as sent; completes_lesson is what is counted",
            "score_scaled": "-1 to 1",
            "score_raw": "in the units of score_min to score_max",
            "score_min": "the least score possible",
            "score_max": "the highest score possible",
            "response": "what was answered, whole",
            "registration": "the attempt that it belongs to, if the sender says so",
            "parent_id": "IRI of what the object is part of",
            "grouping_id": "IRI of the course or the like",
            "platform": "from where: web, app … as sent",
            "language": "RFC 5646 tag, as sent",
            "stored_at": "when it was accepted here",
        },
    ),
    "silver.statement_links": (
        "What each statement is found by, several rows per statement. Made for the API; hardly of use in SQL.",
        {"stored_at": "of the statement"},
    ),
    "silver.statement_refs": ("Statements about statements, one row per statement that refers to another one.", {}),
    "silver.activities": (
        "Activities (lessons, questions) with their names and choices, one row per activity.",
        {"iri": "its id", "updated_at": "when a statement last changed the definition"},
    ),
    "silver.verbs": (
        "Verbs with their names, one row per verb.",
        {"iri": "its id", "updated_at": "when a statement last changed the name"},
    ),
    "gold.lesson_progress": (
        "How far each learner is with each lesson they have touched, one row per learner and lesson.",
        {"learner_id": "users.id", "lesson_id": "lessons.id", "statement_count": "statements about the lesson"},
    ),
    "public.users": (
        "Learners, one row per person.",
        {"id": "what other tables call learner_id or user_id", "name": "of today", "created_at": "first recognised"},
    ),
    "public.user_identifiers": (
        "What statements call a learner, one row per identifier.",
        {"user_id": "users.id", "created_at": "first seen"},
    ),
    "public.cohorts": (
        "Groups that take the course together, one row per cohort.",
        {"id": "what other tables call cohort_id", "name": "for people", "created_at": "when it was made"},
    ),
    "public.cohort_members": (
        "Who is in which cohort, one row per learner and cohort.",
        {"cohort_id": "cohorts.id", "user_id": "users.id", "joined_at": "when they were put in"},
    ),
    "public.cohort_lessons": (
        "What is due when, one row per cohort and lesson.",
        {"cohort_id": "cohorts.id", "lesson_id": "lessons.id"},
    ),
    "public.lessons": (
        "Lessons, one row per activity that learners complete.",
        {"title": "NULL until somebody names it", "created_at": "first seen"},
    ),
    "public.notifications": (
        "Reminders, one row per learner and day of theirs.",
        {"learner_id": "users.id", "attempts": "how often sending was tried"},
    ),
    "public.reminder_stops": (
        "Why a learner gets no reminders, one row per learner about whom something was decided.",
        {"learner_id": "users.id"},
    ),
    "ops.job_runs": (
        "Runs of scheduled jobs, one row per job and period.",
        {
            "job": "its name",
            "started_at": "when it began",
            "finished_at": "NULL while it runs or after a crash",
            "detail": "figures of the run",
        },
    ),
    "ops.task_status": ("How background tasks are doing, one row per task.", {"updated_at": "of the last step"}),
    "ops.imports": (
        "Imports of files, one row per file.",
        {
            "id": "of the import",
            "rows_total": "rows of the file",
            "rows_done": "rows that are done",
            "started_at": "when it began",
            "finished_at": "NULL while it runs or after a crash",
        },
    ),
    "ops.dead_letters": (
        "What was sent and could not be stored, one row per distinct body, source and reason. Without the body.",
        {
            "content_type": "it came with",
            "statement_id": "if one could be read",
            "seen_count": "how often it came",
            "first_seen_at": "when it came first",
            "last_seen_at": "when it came last",
        },
    ),
}
"""By schema and table: what the table holds, its grain included, and the columns that their models do not describe."""


def describe(tables: MetaData) -> None:
    """Put the descriptions onto the tables. LookupError names one that is not there any more."""
    known = {f"{table.schema or 'public'}.{table.name}": table for table in tables.sorted_tables}
    for name, (comment, columns) in TABLES.items():
        if name not in known:
            raise LookupError(f"descriptions.py describes {name}, which no model has")
        known[name].comment = comment
        for column, meaning in columns.items():
            known[name].columns[column].comment = meaning
