"""Threads that poll a broker or a stream and hand what they get to the pipeline. The order of acknowledging is theirs.

Never parses a statement and never decides what a failure means for it. The worker starts them.
"""
