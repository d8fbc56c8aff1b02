# SPDX-License-Identifier: Apache-2.0
"""The main job on real parts: a fleet, an operator, receivers of its messages, and a push.

`make demo` plays it for a person; tests/fleet/test_the_way_of_a_push.py holds it against what must be so.
"""
