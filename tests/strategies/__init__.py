"""Here live strategies for valid statements of both editions, and what breaks one at a known place.
Never here: tests, and the validator's own tables; the specification is read a second time on purpose.
Tests anywhere may call."""
