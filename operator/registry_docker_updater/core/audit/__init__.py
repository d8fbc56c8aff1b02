"""The trail: what happened, chained by hashes, so that a change of what is kept shows."""
