"""Functions that a program calls to look up what it does not manage. They run in the program, with the stack's
settings.

Each has an `_output` form for arguments that are outputs of other resources; at preview it waits until they are known.
Lists are read to their end, and filters are applied here as well, since the service's own may be fuzzy (dli-api 6.8).
"""
