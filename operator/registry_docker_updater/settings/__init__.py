"""The settings: one YAML file, read once, refused as a whole with everything that is wrong in it."""
