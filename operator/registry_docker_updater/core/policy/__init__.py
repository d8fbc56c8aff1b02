"""When, and whether, targets are updated: what owners say of it, and what people decide."""
