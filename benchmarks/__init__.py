"""Measurements: `make bench`. Each figure is a ratio to a limit measured in the same run on the same machine."""
