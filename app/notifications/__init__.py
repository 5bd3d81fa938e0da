"""Reminders: whose is due when, what they say, and what became of each.

Never HTTP, never a schedule. Doors and jobs call `service`; `rules` is pure, SQL is in `queries`.
"""
