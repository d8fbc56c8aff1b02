"""When the team is told of a rollout, and what."""
