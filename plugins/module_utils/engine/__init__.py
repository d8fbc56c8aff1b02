# SPDX-License-Identifier: Apache-2.0
"""The doors: to the API of one Docker engine, and to a registry as that engine would ask it."""
