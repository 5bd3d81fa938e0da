"""Questions about many learners: completion, drop-off, answers, who is at risk; and what one of them did.

Reads gold and indexed silver, never raw statements; writes nothing. Doors and dashboards may call in.
"""
