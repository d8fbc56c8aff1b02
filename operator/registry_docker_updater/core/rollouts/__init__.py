"""Bringing targets to what was pushed: what is wanted, what was attempted, and what to do next."""
