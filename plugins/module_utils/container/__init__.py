# SPDX-License-Identifier: Apache-2.0
"""Give one standalone container another image, or its old one back, whatever happens meanwhile.

``decisions`` are pure: what a container is made of, what leans on it, which step of a swap comes next. What lies here itself
acts on an engine and on the host's journal: it looks, asks the decisions, and does what they say.
"""
