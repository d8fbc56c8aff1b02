"""Doors to where heads of the trail are kept: out of reach of whoever can write the database."""
