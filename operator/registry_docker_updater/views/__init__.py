"""What people and programs see of what is kept: a change of the tables changes none of it."""
