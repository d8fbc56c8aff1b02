# SPDX-License-Identifier: Apache-2.0
"""The media types of what a tag of a container image can name. Pure."""

from __future__ import annotations

from typing import Any

# One image for one platform: Docker's own, and that of the OCI.
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)
# A list of such, for several platforms.
INDEXES = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
IMAGES = (*MANIFESTS, *INDEXES)
# What to ask a registry for, as the header Accept has it.
ACCEPT = ",".join(IMAGES)


def is_image(media_type: Any) -> bool:
    """Tell whether what has ``media_type`` can be run by an engine, and is no signature or other attachment."""
    return media_type in IMAGES
