"""Image references: the same type that the modules on the managed hosts use."""

from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    InvalidReference,
    Reference,
    check_digest,
    check_host,
    is_digest,
    is_tag,
)

__all__ = ["InvalidReference", "Reference", "check_digest", "check_host", "is_digest", "is_tag"]
