"""Lives here: embedded PostgreSQL and Redis for a laptop, and the launcher that runs every process of the system.
Never here: anything about learning, and anything that a deployment with its own stores would need.
May call: the command line (`python -m app up`) and tests; this package imports only config, errors and platform.
"""
