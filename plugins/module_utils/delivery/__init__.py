# SPDX-License-Identifier: Apache-2.0
"""Handing a message over, within its time."""
