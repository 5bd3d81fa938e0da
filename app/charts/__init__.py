"""Charts as declarative specs (Vega-Lite), and their drawing: the same for pages, e-mails and PDF reports.

Never SQL, never FastAPI: rows come in, a picture goes out. Called by everybody above.
"""
