"""The machine room: clock, ids, keys, Redis clients, job broker, logs.

Never anything about learning. Everybody above may call in; nothing in here looks up.
"""
