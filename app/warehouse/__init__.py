"""The tables of statements: bronze as received, silver conformed, gold aggregates. SQL and nothing but SQL.

Never parses a statement, never decides who a person is. The pipeline writes through here, rooms read.
"""
