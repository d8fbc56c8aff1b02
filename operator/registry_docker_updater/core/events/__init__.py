"""What registries tell: pushes, how each sender writes them, and which push is the newest."""
