"""What other systems write, turned into xAPI; one module per source, one function per kind of event.

Pure: what comes out depends on what goes in and on nothing else, the ids included, so that twice is once.
"""
