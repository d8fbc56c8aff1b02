"""Pages for people: what is known, in a browser, and what a person may do about it."""
