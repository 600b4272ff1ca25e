"""Several endpoints of one chain, or several content stores, as one: whoever answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..errors import ChainError, MedtwinError, StorageError, VerificationError
from ..ports import Call, Chain, Event, Head, Mined, Signer, Store

T = TypeVar("T")


class FailoverChain:
    """Implements :class:`oracle.ports.Chain`: asks the endpoint that answered last, then the others in turn.

    For those to whom an endpoint that lies can do no more than make them miss a turn, as it is with oracle
    nodes. Custodians ask all of their endpoints instead, and believe none.
    """

    def __init__(self, chains: Sequence[Chain]) -> None:
        self._chains = list(chains)

    @property
    def chain_id(self) -> int:
        return self._chains[0].chain_id

    @property
    def gateways(self) -> tuple[tuple[str, int], ...]:
        return self._chains[0].gateways

    def address(self, contract: str) -> str:
        return self._chains[0].address(contract)

    def head(self, number: int | None = None) -> Head:
        return self._first(lambda chain: chain.head(number))

    def read(self, contract: str, function: str, *args: Any, block: int | None = None) -> Any:
        return self._first(lambda chain: chain.read(contract, function, *args, block=block))

    def read_many(self, calls: Sequence[Call], *, block: int | None = None) -> list[Any]:
        return self._first(lambda chain: chain.read_many(calls, block=block))

    def write(self, signer: Signer, contract: str, function: str, *args: Any, gas: int | None = None) -> Mined:
        return self._first(lambda chain: chain.write(signer, contract, function, *args, gas=gas))

    def events(
        self, contract: str, name: str, *, since: int = 0, until: int | None = None, **match: Any
    ) -> list[Event]:
        return self._first(lambda chain: chain.events(contract, name, since=since, until=until, **match))

    def everything(self, since: int, until: int) -> list[Event]:
        return self._first(lambda chain: chain.everything(since, until))

    def arguments(self, contract: str, transaction: bytes) -> dict[str, Any]:
        return self._first(lambda chain: chain.arguments(contract, transaction))

    def settle(self, signer: Signer) -> None:
        self._first(lambda chain: chain.settle(signer))

    def is_signed_by(self, account: str, digest: bytes, signature: bytes, *, block: int | None = None) -> bool:
        return self._first(lambda chain: chain.is_signed_by(account, digest, signature, block=block))

    def _first(self, ask: Callable[[Chain], T]) -> T:
        failure: ChainError | None = None
        for chain in list(self._chains):
            try:
                answer = ask(chain)
            except ChainError as error:
                failure = error
                if len(self._chains) > 1:  # it goes to the end of the line
                    self._chains = [one for one in self._chains if one is not chain] + [chain]
            else:
                return answer
        raise failure or ChainError("no chain endpoint was named", hint="name one in MEDTWIN_CHAIN")


class FailoverStore:
    """Implements :class:`oracle.ports.Store`: puts into every store, is content with one; gets from the first that has it.

    What one store lacks or damaged, another may have whole: every read is verified by the store that gives it.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        self._stores = list(stores)

    @property
    def stores(self) -> tuple[Store, ...]:
        """Each by itself, to compare them."""
        return tuple(self._stores)

    def put(self, block: bytes) -> bytes:
        digests, failure = [], None
        for store in self._stores:
            try:
                digests.append(store.put(block))
            except StorageError as error:
                failure = error
        if not digests:
            raise failure or StorageError("no store was named", hint="name one in MEDTWIN_STORE")
        return digests[0]

    def get(self, digest: bytes) -> bytes:
        failures: list[MedtwinError] = []
        for store in self._stores:
            try:
                return store.get(digest)
            except (StorageError, VerificationError) as error:
                failures.append(error)
        raise next((one for one in failures if isinstance(one, VerificationError)), failures[-1])

    def has(self, digest: bytes) -> bool:
        return any(store.has(digest) for store in self._stores)

    def remove(self, digest: bytes) -> None:
        failures = []
        for store in self._stores:
            try:
                store.remove(digest)
            except StorageError as error:
                failures.append(error)
        if failures:  # once it is gone wherever it can be
            raise failures[0]

    def describe(self) -> str:
        return " and ".join(store.describe() for store in self._stores)

    def problems(self) -> list[str]:
        """What makes one of them unfit for patients' data."""
        return [problem for store in self._stores for problem in getattr(store, "problems", list)()]
