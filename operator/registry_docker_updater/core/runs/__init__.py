"""What a run of a playbook says: results of modules, and why one failed."""
