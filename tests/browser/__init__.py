"""What a real browser makes of our pages and doors; skipped where there is no Chromium."""
