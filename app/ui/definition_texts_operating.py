"""What the numbers of the pages of operators mean: sentences of docs/metrics.md, as in `definition_texts`."""

OPERATING: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "Reminders",
        {
            "Due now": (
                "of the learners that were looked at for the page, those whom the next run would remind: something "
                "due is open, their hour has come, it is not quiet, and their day has had no reminder. A page looks "
                "at 50 learners, at 300 when it is narrowed to one decision."
            ),
            "May be due": (
                "learners of all cohorts with an e-mail address and an open lesson that is due today, somewhere, or "
                "was before, who were not reminded in the last 8 hours. Not more than these can be due: their hours "
                "and what stops their reminders are looked at by the run."
            ),
            "Sent": "reminders that the mail server took or, while none is set, that were written into the outbox.",
            "On its way": "reminders that a run is handing over right now.",
            "Waits for another try": (
                "reminders that the mail server asked to bring again later. A run tries them again, until the "
                "learner's day is over."
            ),
            "Bounced": (
                "reminders that came back because the address does not exist or takes no mail. The learner gets no "
                "more of them."
            ),
            "Failed": (
                "reminders that were refused for another reason, or whose day was over before a try went through."
            ),
            "Outcome unknown": (
                "reminders that may have arrived: the connection broke before the mail server had answered. They "
                "are not sent again unless somebody says so."
            ),
        },
    ),
    (
        "Pipeline",
        {
            "Lag": "the age of the oldest entry on the stream that no worker has finished; 0 s when nothing waits.",
            "On the stream": (
                "entries that are accepted and not loaded yet, those in hand included. An entry is one request, of "
                "one statement or many. Beyond the most that may wait, senders are told to come back later."
            ),
            "In hand": "entries that a worker has taken from the stream and not finished.",
            "Waiting for the sweep": (
                "statements in the record without a flat row, without those that cannot be flattened. At most "
                "100,000 are counted."
            ),
            "Oldest that waits": "how long ago the first of these statements was accepted.",
            "Open letters": (
                "dead letters that were neither replayed nor discarded. The same bytes, turned away again, are the "
                "same letter."
            ),
            "Replayed letters": "dead letters whose statements are stored now.",
            "Discarded letters": (
                "dead letters that somebody gave up for a reason. Their bytes stay; should they come again, the "
                "letter opens again."
            ),
        },
    ),
    (
        "Contracts",
        {
            "Progress": (
                "the pieces that hold, of all pieces of all modules, rounded down. The pieces of a module are its "
                "status being done, each file and each endpoint that it names, and its tests having passed with the "
                "code that runs. What cannot be known in this installation is left out."
            ),
            "Modules done": "modules whose contract says that they are done.",
            "Tests passed": "tests that passed in the last run that is known here.",
            "Active agents": "agents that have taken a contract, or whose token was used within 24 hours.",
        },
    ),
)
