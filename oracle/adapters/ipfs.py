"""The content store on an IPFS node, through its HTTP RPC; every read verified, every call timed."""

from __future__ import annotations

import io
import ipaddress
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import ipfshttpclient
from ipfshttpclient import exceptions

from ..errors import InputError, StorageError, VerificationError
from .cid import cid_of, digest_of
from .store import MAX_BLOCK_BYTES, checked_block, missing_block, verified_block

_CHUNK_BYTES = 1 << 16
# What Kubo and js-ipfs say of a block that is nowhere; a node's own time-out means that no peer has it.
_ABSENT = ("not found", "could not find", "deadline exceeded", "timed out", "timeout")
_NOT_PINNED = "not pinned"
# Kubo takes `cid-codec` (and `format` raw as its older name), js-ipfs only `format`.
_RAW_BLOCK = {"cid-codec": "raw", "format": "raw", "mhtype": "sha2-256", "pin": "true", "cid-base": "base32"}


class _Client(ipfshttpclient.Client):  # type: ignore[misc]  # the library has no types
    """The library's client, and what it lacks: ``block/rm``, ``config`` and reads of bounded size.

    The constructor does not ask for the node's version: 0.7 would refuse every present one.
    """

    def __init__(self, address: str, host: str, timeout_s: float) -> None:
        super().__init__(address, session=True, timeout=timeout_s)
        # Blocks go to the node itself, never through a proxy that the environment names.
        self._client._request_proxies = {"no_proxy": host}
        for adapter in self._client._session.adapters.values():
            adapter.poolmanager.connection_pool_kw.pop("strict", None)  # gone from urllib3 2, which warns of it

    def lines(self, path: str, *args: str, **options: str) -> list[Any]:
        """The JSON values of an answer."""
        answer = self._client.request(path, args, opts=options, decoder="json")
        return list(answer)

    def bounded(self, path: str, *args: str, limit: int, deadline_s: float, **options: str) -> bytes:
        """The bytes of an answer: at most `limit` + 1, until the monotonic time `deadline_s`."""
        params = [*options.items(), *(("arg", arg) for arg in args)]
        # The library's own streams read an answer of known length in one piece, however long.
        closables, chunks = self._client._request(
            "POST", path, params, auth=None, data=None, headers=None, timeout=None, chunk_size=_CHUNK_BYTES
        )
        received = bytearray()
        try:
            for chunk in chunks:
                received += chunk
                if len(received) > limit:
                    break
                if time.monotonic() > deadline_s:
                    raise TimeoutError("the answer took too long")
        finally:
            for closable in closables:
                closable.close()
        return bytes(received[: limit + 1])


class IpfsStore:
    """Implements :class:`oracle.ports.Store` on a node that this deployment runs itself.

    Parameters
    ----------
    where
        ``ipfs://host:port`` of the node's RPC (not its gateway).
    timeout_s
        Longest wait for any one answer (s).
    """

    def __init__(self, where: str, timeout_s: float = 10) -> None:
        self._host, port = _host_and_port(where)
        self._where = where
        self._timeout_s = timeout_s
        kind = _multiaddr_kind(self._host)
        self._client = _Client(f"/{kind}/{self._host}/tcp/{port}/http", self._host, timeout_s)

    def put(self, block: bytes) -> bytes:
        """Store and pin."""
        digest = checked_block(block)
        with self._reporting():
            answer = self._client.block.put(io.BytesIO(block), opts=_RAW_BLOCK)
        if answer["Key"] != cid_of(digest):
            raise VerificationError(
                f"{self.describe()} stored block {cid_of(digest)} as {answer['Key']}",
                hint="use a Kubo node; this one does not store raw SHA-256 blocks",
                kind="wrong_cid",
            )
        return digest

    def get(self, digest: bytes) -> bytes:
        """The block, verified; a block that no reachable node has is missing after `timeout_s` at the latest."""
        deadline_s = time.monotonic() + self._timeout_s
        try:
            with self._reporting():
                block = self._client.bounded(
                    "block/get", cid_of(digest), limit=MAX_BLOCK_BYTES, deadline_s=deadline_s, **self._node_timeout()
                )
        except StorageError as error:
            if _says(error.__cause__, _ABSENT):
                raise missing_block(digest, self.describe()) from error
            raise
        return verified_block(block, digest, self.describe())

    def has(self, digest: bytes) -> bool:
        """Whether this node itself has the block; peers are not asked."""
        try:
            with self._reporting():
                self._client.lines("block/stat", cid_of(digest), offline="true", **self._node_timeout())
        except StorageError as error:
            if _says(error.__cause__, _ABSENT):
                return False
            raise
        return True

    def remove(self, digest: bytes) -> None:
        """Unpin and delete from this node; copies on other nodes are theirs to remove."""
        cid = cid_of(digest)
        try:
            with self._reporting():
                self._client.lines("pin/rm", cid)
        except StorageError as error:
            if not _says(error.__cause__, (_NOT_PINNED, *_ABSENT)):
                raise
        with self._reporting():
            answers = self._client.lines("block/rm", cid, force="true")
        problems = [str(answer["Error"]) for answer in answers if answer.get("Error")]  # in the body of a 200
        if self.has(digest):
            raise StorageError(
                f"{self.describe()} still has block {cid}: {'; '.join(problems) or 'no reason given'}",
                hint="unpin whatever holds it (ipfs pin ls), then remove it again",
                kind="not_removed",
            )

    def pins(self) -> dict[bytes, str]:
        """The node's pins of blocks like ours; it may pin other things as well."""
        with self._reporting():
            (answer,) = self._client.lines("pin/ls", type="all", **{"cid-base": "base32"})
        pinned = {}
        for cid, facts in (answer.get("Keys") or {}).items():
            with suppress(InputError):  # of another codec or hash
                pinned[digest_of(cid)] = str(facts["Type"])
        return pinned

    def describe(self) -> str:
        """The node's address."""
        return f"IPFS node {self._where}"

    def problems(self) -> list[str]:
        """What makes this node unfit for patients' data: ways to other peers, addresses open to others."""
        with self._reporting():
            config = self._client.lines("config/show")[0]
        found = []
        if config.get("Bootstrap"):
            found.append(f"{len(config['Bootstrap'])} bootstrap peers: run ipfs bootstrap rm --all")
        addresses = config.get("Addresses") or {}
        routing = config.get("Routing")
        if routing is not None and routing.get("Type") != "none":  # Kubo's own default looks for peers, and is found
            found.append("it looks for peers and tells them what it has: run ipfs config Routing.Type none")
        if ((config.get("Discovery") or {}).get("MDNS") or {}).get("Enabled"):
            found.append("it looks for peers nearby: run ipfs config --json Discovery.MDNS.Enabled false")
        for name in ("API", "Gateway", "Swarm"):
            listed = addresses.get(name) or []
            for address in [listed] if isinstance(listed, str) else listed:
                if not _is_local(address):
                    found.append(f"{name} listens on {address}: bind it to 127.0.0.1")
        return found

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _node_timeout(self) -> dict[str, str]:
        """The node gives up a little before this client does, and says why."""
        return {"timeout": f"{int(self._timeout_s * 900)}ms"}

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except (exceptions.ConnectionError, exceptions.ProtocolError) as problem:
            raise self._failed(
                "cannot be reached", "store_unreachable", "start the node, or correct MEDTWIN_STORE"
            ) from problem
        except (exceptions.TimeoutError, TimeoutError) as problem:
            raise self._failed(
                f"gave no answer in {self._timeout_s:g} s", "store_timeout", "see whether the node is overloaded"
            ) from problem
        except exceptions.ErrorResponse as problem:
            raise self._failed(f"refused: {problem}", "store_failed", "see the node's log") from problem
        except exceptions.Error as problem:
            raise self._failed(
                f"answered unlike an IPFS node: {problem}",
                "not_an_ipfs_node",
                "MEDTWIN_STORE must name the node's RPC port (5001 by default), not its gateway",
            ) from problem
        except OSError as problem:  # also what the HTTP library raises when an answer breaks off
            raise self._failed("broke off its answer", "store_unreachable", "see whether the node runs") from problem

    def _failed(self, what: str, kind: str, hint: str) -> StorageError:
        return StorageError(f"{self.describe()} {what}", hint=hint, kind=kind)


def _host_and_port(where: str) -> tuple[str, int]:
    parts = urlsplit(where)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme != "ipfs" or not host or not port or extra:
        raise InputError(
            f"not the address of an IPFS node: {where!r}",
            hint="write ipfs://host:port, for example ipfs://127.0.0.1:5001",
            kind="bad_store",
        )
    return host, port


def _multiaddr_kind(host: str) -> str:
    try:
        return f"ip{ipaddress.ip_address(host).version}"
    except ValueError:
        return "dns"


def _is_local(multiaddr: str) -> bool:
    kind, _, rest = multiaddr.lstrip("/").partition("/")
    if kind == "unix":
        return True
    try:
        return kind in ("ip4", "ip6") and ipaddress.ip_address(rest.partition("/")[0]).is_loopback
    except ValueError:
        return False


def _says(problem: BaseException | None, words: tuple[str, ...]) -> bool:
    """Whether the node itself gave one of these reasons."""
    said = str(problem).lower()
    return isinstance(problem, exceptions.ErrorResponse) and any(word in said for word in words)
