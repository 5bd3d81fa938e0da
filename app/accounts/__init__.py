"""People and what we know of them: learners and their identifiers, cohorts, lessons due, credentials of senders.

Never statements, never HTTP. Doors, the pipeline and the rooms above may call in.
"""
