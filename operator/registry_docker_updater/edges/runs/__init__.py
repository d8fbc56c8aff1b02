"""The door to Ansible: runs of playbooks through ansible-runner, each in a process of its own."""
