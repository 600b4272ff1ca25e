"""The command ``medtwin``: nouns, then verbs.

Data goes to stdout, progress and hints to stderr. Exit codes are those of
:mod:`oracle.errors`; ``--json`` prints the same facts, errors included, for programs.
"""

from .app import app, main

__all__ = ["app", "main"]
