"""What is kept: the only door to SQLAlchemy.

One transaction object, one store a subject. A store keeps what the core decided, and decides nothing.
"""
