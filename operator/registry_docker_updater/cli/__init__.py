"""The command line: one file a command, and the output that all of them print to."""
