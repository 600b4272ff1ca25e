"""``python -m oracle.serve.cli``: the command, where its script is not on PATH."""

from .app import main

main()
