"""Gas and speed of Medtwin beside its peers, measured in one run: ``python -m bench``."""
