"""The doors to the world: one a library, each behind a protocol. They translate, and decide nothing.

What they bring in are the core's types, what they raise is in :mod:`registry_docker_updater.errors`.
"""
