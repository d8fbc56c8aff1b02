# SPDX-License-Identifier: Apache-2.0
"""Give one swarm service another image, through one of the swarm's managers.

``decisions`` are pure: what to write into a spec, and how an update stands. What lies here itself asks and tells a manager.
"""
