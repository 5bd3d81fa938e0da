"""Here lives what the xAPI specification requires of a Learning Record Store, each rule citing its clause.
Never here: status codes and requests (they are the doors'), learners and cohorts, anything about queues.
The doors, ingest and the pipeline may call; it never looks into warehouse or accounts."""
