"""The JSON doors. A door translates a request, calls once, and answers.

Never SQL, never a rule. Nobody calls in but app.main.
"""
