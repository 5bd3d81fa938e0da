"""The SELECTs of the search. What is searched is looked for with strpos, so that none of it is a wildcard."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.analytics.queries import Rows
from app.analytics.selection import Part


def _holds(column: str) -> str:
    return f"strpos(lower(coalesce({column}, '')), lower(:text)) > 0"


def learners(db: Session, part: Part, searched: str, digits: str, limit: int) -> Rows:
    """Learners who fulfil the condition on u, those whose name begins with it first. digits: of a phone, or empty."""
    phone = "OR strpos(coalesce(u.phone, ''), :digits) > 0" if digits else ""
    sql = f"""
SELECT u.id, u.name, u.email, u.phone, u.avatar
FROM users u
WHERE ({_holds('u.name')} OR {_holds('u.email')} OR {_holds('u.avatar')} OR {_holds('u.phone')} {phone})
    AND {part.condition}
ORDER BY strpos(lower(coalesce(u.name, '')), lower(:text)) = 1 DESC, {part.order}, u.id LIMIT :limit
"""
    return db.execute(text(sql), part.bind(text=searched, digits=digits, limit=limit)).all()


def under_pseudonym(db: Session, part: Part, pseudonym: str) -> Rows:
    """The learner of a pseudonym, by its hex digits, which part.order gives: id, nothing else."""
    sql = f"SELECT u.id, NULL AS name, NULL AS email, NULL AS phone FROM users u WHERE {part.order} = :pseudonym"
    return db.execute(text(f"{sql} AND {part.condition} LIMIT 2"), part.bind(pseudonym=pseudonym)).all()


def lessons(db: Session, searched: str, limit: int) -> Rows:
    """Lessons by title or address: id, activity_id, title."""
    sql = f"""
SELECT l.id, l.activity_id, l.title FROM lessons l WHERE {_holds('l.title')} OR {_holds('l.activity_id')}
ORDER BY {_holds('l.title')} DESC, lower(coalesce(l.title, l.activity_id)), l.id LIMIT :limit
"""
    return db.execute(text(sql), {"text": searched, "limit": limit}).all()


def cohorts(db: Session, searched: str, limit: int) -> Rows:
    """Cohorts by name: id, slug, name, time_zone."""
    sql = f"""
SELECT c.id, c.slug, c.name, c.time_zone FROM cohorts c WHERE {_holds('c.name')} OR {_holds('c.slug')}
ORDER BY lower(c.name), c.id LIMIT :limit
"""
    return db.execute(text(sql), {"text": searched, "limit": limit}).all()
