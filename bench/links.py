"""How the parts of a clinic reach each other: on one machine through proxies that misbehave, or on machines of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from oracle.settings import Settings

from .chaos import Proxy

LOOPBACK = "127.0.0.1"


class Links(Protocol):
    """What a clinic asks of its network; nodes by their names, this side of it as ``""``."""

    @property
    def host(self) -> str:
        """Where this side is reached."""
        ...

    def settings(self, settings: Settings, name: str = "") -> Settings:
        """With whom to believe, and what to show."""
        ...

    def options(self, name: str = "") -> Sequence[str]:
        """Of a service that listens there."""
        ...

    def machine(self, name: str) -> str:
        """Where a node runs; empty: here."""
        ...

    def url(self, name: str, port: int) -> str:
        """Of a service that listens there."""
        ...

    def peer(self, name: str, other: str) -> str:
        """Address of a node as another one is given it."""
        ...

    def part(self, one: str, other: str, mode: str) -> None:
        """Neither of the two hears the other, until they are joined."""
        ...

    def join(self, one: str, other: str) -> None:
        """They do again."""
        ...

    def close(self) -> None:
        """End them."""
        ...


class Loopback:
    """One machine; each node reaches each other one through a proxy of its own, which breaks as `mode` says."""

    host = LOOPBACK

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._proxies = {(one, other): Proxy(ports[other]) for one in ports for other in ports if one != other}

    def settings(self, settings: Settings, name: str = "") -> Settings:
        return settings

    def options(self, name: str = "") -> Sequence[str]:
        return ()

    def machine(self, name: str) -> str:
        return ""

    def url(self, name: str, port: int) -> str:
        return f"http://{LOOPBACK}:{port}"

    def peer(self, name: str, other: str) -> str:
        return self.url(other, self._proxies[name, other].port)

    def part(self, one: str, other: str, mode: str) -> None:
        for pair in ((one, other), (other, one)):
            self._proxies[pair].mode = mode

    def join(self, one: str, other: str) -> None:
        self.part(one, other, "ok")

    def close(self) -> None:
        for proxy in self._proxies.values():
            proxy.close()
