"""The door to engines: the Docker SDK, for the events that the live view follows."""
