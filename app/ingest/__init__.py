"""What comes in from others and does not fit yet: the quarantine of bodies that cannot be read.

Never decides what is valid (lrs does) and never loads statements. Doors, consumers and the pipeline may call in.
"""
