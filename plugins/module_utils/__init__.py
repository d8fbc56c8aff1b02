# SPDX-License-Identifier: Apache-2.0
"""What modules, filters and the operator share. It runs on managed hosts: Python 3.8 and its standard library only.

What lies here itself decides and is shared with the operator: image references, targets, outcomes, labels, the steps of a
rollout. The rooms act on one engine: ``engine`` (its API, and what leads to it), ``container``, ``swarm`` and ``scan``. In
each, ``decisions`` are pure: they import nothing that does I/O, which ``tests/unit/test_plugin_imports.py`` holds.

All of it is private to this collection: no API, and changed without notice. What others may use are the modules, filters,
lookups and tests that ``ansible-doc`` describes.
"""
