"""Questions about many learners: completion, later drop-off, answers, who is at risk.

Reads gold and indexed silver, never raw statements; writes nothing. Doors and dashboards may call in.
"""
