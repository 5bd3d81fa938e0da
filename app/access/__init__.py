"""Who is asking, and may they? Callers, sessions' cookies, tokens against forged requests, limits, headers of pages.
Never answers a request of its own, and holds no SQL. For the doors, JSON and pages alike.
"""
