"""What the hosts run: targets, hosts, their index, and what a host's report changes."""
