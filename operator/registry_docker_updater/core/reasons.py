"""Reasons that people give for what they have done, so that others know why."""

LONGEST_REASON = 500


def problem_of_reason(of: str, reason: str) -> str | None:
    """Return what is wrong with the ``reason`` of something (``of``), in a sentence with the remedy; None where nothing is."""
    if not reason.strip():
        return f"{of} has a reason, so that others know why; say which"
    if not reason.strip().isprintable():
        return f"the reason of {of} is one line of text; it holds what nobody can print"
    if len(reason) > LONGEST_REASON:
        return f"the reason of {of} has {LONGEST_REASON} characters at most, and not {len(reason)}"
    return None
