"""Machines of their own, as far as a network goes: each a network namespace, all joined by a bridge.

The program runs in namespaces of its own (users, network, mounts), so it needs no rights but those the kernel gives
everybody, and leaves nothing behind. A cut is silent: frames go to an address that nobody has, and nothing comes back.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from oracle.settings import Settings

from .certificates import CLIENT, SERVER, authority, issued, written

HOSPITAL = "10.77.0.1"
"""Where chain, store and custodians are reached."""
BRIDGE, NOWHERE = "hospital", "02:00:00:00:00:01"
INSIDE = "MEDTWIN_INSIDE"
CLONE_NEWNET = 0x40000000
APART = ("unshare", "--user", "--map-root-user", "--net", "--mount")


def inside(module: str) -> bool:
    """Run this program again in namespaces of its own, with loopback and a bridge; False where there can be none."""
    if INSIDE not in os.environ:
        why_not = _why_not()
        if why_not:
            print(f"nodes have no machines of their own here, their links are proxies: {why_not}", file=sys.stderr)
            return False
        os.execvpe(
            "unshare",
            [*APART, sys.executable, "-m", module, *sys.argv[1:]],
            {**os.environ, INSIDE: "1", "PATH": _path()},
        )
    for words in (
        "mount -t tmpfs none /run", "ip link set lo up", f"ip link add {BRIDGE} type bridge",
        f"ip addr add {HOSPITAL}/24 dev {BRIDGE}", f"ip link set {BRIDGE} up",
    ):  # fmt: skip
        _run(words)
    return True


def enter(name: str) -> None:
    """From here on this process, and what it starts, is on that machine."""
    with open(f"/run/netns/{name}") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


class Machines:
    """Implements :class:`~bench.links.Links`: each node has an address and a certificate, and a cut tells nobody of itself."""

    host = HOSPITAL

    def __init__(self, ports: Mapping[str, int], folder: Path) -> None:
        self._ports = ports
        self._addresses = {"": HOSPITAL} | {name: f"10.77.0.{11 + at}" for at, name in enumerate(ports)}
        ours = authority("of the network")
        folder.mkdir()
        self._authority = written(folder / "authority.pem", ours[0])
        self._certificates = {
            name: written(folder / f"{name or BRIDGE}.pem", *issued(ours, name or BRIDGE, [SERVER, CLIENT], address))
            for name, address in self._addresses.items()
        }
        for at, name in enumerate(ports):
            for words in (
                f"ip netns add {name}", f"ip link add veth{at} type veth peer name eth0 netns {name}",
                f"ip link set veth{at} master {BRIDGE} up", f"ip -n {name} addr add {self._addresses[name]}/24 dev eth0",
                f"ip -n {name} link set eth0 up", f"ip -n {name} link set lo up",
            ):  # fmt: skip
                _run(words)

    def settings(self, settings: Settings, name: str = "") -> Settings:
        return replace(settings, authorities=self._authority, certificate=self._certificates[name])

    def options(self, name: str = "") -> Sequence[str]:
        files = ("--certificate", str(self._certificates[name]), "--clients", str(self._authority))
        return ["--host", self._addresses[name], *files]

    def machine(self, name: str) -> str:
        return name

    def url(self, name: str, port: int) -> str:
        return f"https://{self._addresses[name]}:{port}"

    def peer(self, name: str, other: str) -> str:
        return self.url(other, self._ports[other])

    def part(self, one: str, other: str, mode: str) -> None:
        for here, there in ((one, other), (other, one)):
            _run(f"ip -n {here} neigh replace {self._addresses[there]} lladdr {NOWHERE} dev eth0 nud permanent")

    def join(self, one: str, other: str) -> None:
        for here, there in ((one, other), (other, one)):
            _run(f"ip -n {here} neigh del {self._addresses[there]} dev eth0")

    def close(self) -> None:
        """They end with this program's namespaces."""


def _why_not() -> str:
    missing = [tool for tool in ("unshare", "ip", "mount") if not shutil.which(tool, path=_path())]
    if missing:
        return f"{', '.join(missing)} is not installed (Debian: apt install util-linux iproute2 mount)"
    trial = f"mount -t tmpfs none /run && ip link add {BRIDGE} type bridge && ip link add near type veth peer name far"
    tried = subprocess.run(
        [*APART, "sh", "-c", trial], capture_output=True, text=True, check=False, env={"PATH": _path()}
    )
    return tried.stderr.strip()


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _run(words: str) -> None:
    ran = subprocess.run(words.split(), capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{words}: {ran.stderr.strip()}")
