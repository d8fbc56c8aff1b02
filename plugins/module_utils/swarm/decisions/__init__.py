# SPDX-License-Identifier: Apache-2.0
"""What is decided of swarm services, from what a manager showed. Pure: specs, tasks and nodes in, specs and verdicts out."""
