"""HTML pages for people: what a room's service tells, shown with the parts of templates/parts.

Never SQL, never rules: those live in the rooms. Called by app.main only; stands on security.py beside app.api.
"""
