"""The portal: pages for people, and what they need of a server. The pages are in ``web/``.

The server carries bytes and pays for transactions that people signed; it holds no key of theirs and never sees
what a twin measured. The page checks whatever it is given against the chain, and against witnesses beside the portal.
"""
