"""When what is asked or tried again: scans, polls, repairs; and what becomes of times when a clock is set."""
