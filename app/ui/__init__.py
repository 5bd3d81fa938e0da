"""Pages for people. Each says what its JSON twin says, and changes things by the same functions.
Never holds SQL, and never decides who may what: app/access does. Called by browsers, by nobody in here.
"""
