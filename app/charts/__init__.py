"""Lives here: charts as Vega-Lite specs made of plain rows, their tables in words and numbers, and their drawing.
Never here: SQL, HTTP, settings, learners as such; the same chart serves a page, an e-mail and a PDF report.
Everybody above may call; it looks at nothing but itself (vl-convert draws, in a process of its own)."""
