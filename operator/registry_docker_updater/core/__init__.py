"""What the operator decides: pure functions on frozen dataclasses.

No I/O, no clock, no environment, no threads: what a function needs, time included, it is given. Whoever wants
to know why something was or was not updated finds the whole answer here.
"""
