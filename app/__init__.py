"""7taps Analytics: xAPI in; who did what, who is behind, and one friendly reminder out.

The floors (what may import what) are in pyproject.toml under [tool.importlinter]; `make check` enforces them.
"""

__version__ = "0.1.0"
