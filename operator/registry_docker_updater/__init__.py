"""Updates Docker Swarm services and standalone containers to the image just pushed, by recorded Ansible runs."""

__version__ = "0.1.0"
