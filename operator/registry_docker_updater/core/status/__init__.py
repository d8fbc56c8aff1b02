"""Whether everything is well."""
