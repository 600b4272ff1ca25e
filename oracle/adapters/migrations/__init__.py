"""How the index's database came to be what it is, step by step (alembic)."""
