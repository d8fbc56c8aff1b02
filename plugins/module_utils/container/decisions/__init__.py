# SPDX-License-Identifier: Apache-2.0
"""What is decided of containers, from what an engine showed. Pure: inspects in, requests and steps out."""
