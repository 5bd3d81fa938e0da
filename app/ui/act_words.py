"""What the acts of the audit log are called on pages."""

WORDS = {
    "learner.merge": "Merged with another learner",
    "learner.split": "Split",
    "learner.erase": "Erased",
    "reminders.resume": "Reminders resumed",
    "reminder.mark_sent": "Reminder marked as sent",
    "reminder.send_again": "Reminder sent again",
    "reminder_template.put": "Reminder words changed",
    "dead_letter.replay": "Dead letter replayed",
    "dead_letter.close": "Dead letter closed",
    "roster.import": "Roster imported",
    "responses.import": "Responses imported",
}


def words_of(act: str) -> str:
    """An act in words; one that has none is told as it is written down, such as `key made` for key.made."""
    return WORDS.get(act) or act.replace(".", " ").replace("_", " ").capitalize()
