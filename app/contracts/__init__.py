"""What the project says about itself: contracts of modules, how far they hold, the last test run, who works on what.

Never learners or statements, and nothing of HTTP. Called by the doors and the pages; see docs/decisions/0017.
"""
