"""Work that a clock starts: the sweep, later reminders and retention. Each run is keyed by its period.

Never a rule of a room, only when and how often. The scheduler sends, the worker runs; doors may enqueue by name.
"""
