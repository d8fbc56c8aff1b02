"""The door to registries: their API, over urllib3."""
