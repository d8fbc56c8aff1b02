# SPDX-License-Identifier: Apache-2.0
"""In which steps a pushed image rolls across the hosts, and when what is left is left alone. Pure."""
