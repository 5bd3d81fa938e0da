"""The commands: `python -m app …`. `main` reads the arguments, each command has a module of its own.

Never a rule and never SQL. Commands that send statements go through the HTTP door like everybody else.
"""
