"""Here lives what the xAPI specification requires of a Learning Record Store, clause by clause.
Never here: status codes and requests (they are the doors'), learners and cohorts, queues.
The doors, ingest and the pipeline may call; it never looks into warehouse or accounts."""
