"""How a report comes about, what it says and why, and what follows from it. Start with ``predict.py``."""
