"""The tests. `make test` runs them all, on a real PostgreSQL and a real Redis that it starts itself."""
