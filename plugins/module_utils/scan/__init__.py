# SPDX-License-Identifier: Apache-2.0
"""What one engine runs that opted in, for the module ``targets_info``. It asks, and changes nothing."""
