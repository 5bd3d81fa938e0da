"""What the acts of the audit log are called on pages."""

WORDS = {
    "account.create": "Account made",
    "account.disable": "Account disabled",
    "account.enable": "Account opened again",
    "account.password": "Password changed",
    "account.role": "Role changed",
    "cohort.put": "Cohort changed",
    "cohort.put_lessons": "Plan of a cohort changed",
    "contract.change": "Contract changed",
    "dead_letter.close": "Dead letter closed",
    "dead_letter.discard": "Dead letter discarded",
    "dead_letter.replay": "Dead letter replayed",
    "key.create": "Key made",
    "key.revoke": "Key revoked",
    "learner.erase": "Erased",
    "learner.merge": "Merged with another learner",
    "learner.split": "Split",
    "lesson.change": "Lesson changed",
    "lesson.plan": "Plan of a lesson changed",
    "lesson.put": "Lesson changed",
    "loader.resume": "Loader resumed",
    "reminder.bounce": "Bounce reported",
    "reminder.mark_sent": "Reminder marked as sent",
    "reminder.send_again": "Reminder sent again",
    "reminder.try": "Copy of a reminder sent",
    "reminder_template.put": "Reminder words changed",
    "reminders.resume": "Reminders resumed",
    "reminders.run": "Reminders sent by hand",
    "responses.import": "Responses imported",
    "retention.expire": "Old data deleted",
    "roster.import": "Roster imported",
    "session.begin": "Logged in",
    "session.end": "Logged out",
    "session.end_all": "Logged out everywhere",
    "session.lock_out": "Login locked for a while",
    "session.refuse": "Login refused",
    "sql.explain": "Query explained",
    "sql.query": "Query run",
    "sweep.run": "Sweep run by hand",
    "token.create": "Token made",
    "token.revoke": "Token revoked",
}


def words_of(act: str) -> str:
    """An act in words; one that has none is told as it is written down, such as `key made` for key.made."""
    return WORDS.get(act) or act.replace(".", " ").replace("_", " ").capitalize()
