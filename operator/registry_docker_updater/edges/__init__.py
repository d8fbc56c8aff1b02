"""The doors to the world: one a library. They translate, and decide nothing.

Bottle and cheroot in :mod:`http`, SQLAlchemy in :mod:`tables` and :mod:`store`, ansible-runner in
:mod:`ansible` and :mod:`playbook_process`. What they bring in are the core's types, what they raise is in
:mod:`registry_docker_updater.errors`.
"""
