"""What is signed, hashed, sealed and sent, byte by byte: the same rules as the contracts'. See ``docs/formats.md``."""
