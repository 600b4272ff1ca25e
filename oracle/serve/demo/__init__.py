"""The whole story on one screen: ``medtwin demo``.

:mod:`.world` sets up chain, store, custodians and nodes; :mod:`.story` plays the
acts through the same use cases everybody calls; :mod:`.facts` collects what
happened for programs; :mod:`.show` prints it for people.
"""

from .story import play

__all__ = ["play"]
