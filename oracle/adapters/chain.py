"""The suite on an EVM chain, through web3.

One class serves every chain: the embedded one, Ganache, anvil, geth or a private network. Only how it is opened differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from itertools import islice
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from eth_utils import to_checksum_address
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import (
    BlockNotFound,
    Web3Exception,
)
from web3.types import TxParams

from ..errors import ChainError, InputError, MedtwinError, NotFound, RevertedError
from ..formats.typed_data import recovers_to
from ..ports import AskBlock, AskSigned, AskView, Call, Event, Head, Mined, Question, Signer
from ..records import Deployment
from .abi import artifact, plain
from .failures import done, guarded, nonsense, refused_or
from .rpc import Request, Rpc, result_of
from .sending import mined, settled
from .views import WORD, View, event, logged, view

GAS_PRICE_FLOOR_WEI = 2_000_000_000  # Ganache under shanghai never mines a price of 0
GAS_MARGIN = 1.25  # over the estimate: storage may warm differently when mined
DEPLOY_AGAIN = "deploy again (medtwin deploy, or make dev) or name the right chain"
REQUEST_TIMEOUT_S = 15
ERC1271_MAGIC = bytes.fromhex("1626ba7e").ljust(WORD, bytes(1))
WALLET_GAS = 5_000_000
"""What a contract may use to say whether it signed: a passkey's takes 250,000, and others wait for the answer."""


def remote(url: str, timeout_s: float = REQUEST_TIMEOUT_S) -> Web3:
    """A chain behind a JSON-RPC address; raises ChainError when nobody answers."""
    if not url.startswith(("http://", "https://")):
        raise InputError(f"{url!r} is not a chain", hint="use embedded, ganache or http(s)://host:port")
    web3 = Web3(Rpc(url, timeout_s), middleware=[])  # what is sent is whole: nothing is to be added on the way
    try:
        _ = web3.eth.chain_id
    except (httpx.HTTPError, httpx.InvalidURL, Web3Exception, ValueError) as error:
        raise ChainError(
            f"no chain answers at {url} ({type(error).__name__})",
            hint="start one (make dev) or check the address",
        ) from error
    return web3


class Web3Chain:
    """The suite of one deployment. Implements :class:`oracle.ports.Chain`."""

    def __init__(self, web3: Web3, deployment: Deployment) -> None:
        self._web3 = web3
        self.deployment = deployment
        self._block_times: dict[int, int] = {}

    @classmethod
    def open(cls, web3: Web3, deployment: Deployment) -> Web3Chain:
        """Bind to a deployment after checking that it is really on this chain.

        Raises
        ------
        ChainError
            Another chain id, another genesis (a restarted development chain), or no code at an address.
        """
        chain = cls(web3, deployment)
        if chain.chain_id != deployment.chain_id:
            raise ChainError(
                f"the chain is {chain.chain_id}, the deployment is for {deployment.chain_id}",
                hint=DEPLOY_AGAIN,
                kind="wrong_chain",
            )
        chain.check()
        for name, address in deployment.contracts.items():
            if not web3.eth.get_code(to_checksum_address(address)):
                raise ChainError(f"there is no code of {name} at {address}", hint=DEPLOY_AGAIN, kind="no_code")
        return chain

    def check(self) -> None:
        """Raise ChainError (``restarted_chain``) if a development chain was started anew underneath."""
        if guarded(lambda: genesis_of(self._web3)) != self.deployment.genesis:
            raise ChainError(
                "the chain was restarted: its first block is not the one the suite was deployed on",
                hint=DEPLOY_AGAIN,
                kind="restarted_chain",
            )

    @cached_property
    def chain_id(self) -> int:
        return int(guarded(lambda: self._web3.eth.chain_id))

    @property
    def genesis(self) -> bytes:
        return self.deployment.genesis

    @property
    def where(self) -> str:
        """Host and port of its endpoint; what may be a secret in the address is left out."""
        return urlsplit(str(getattr(self._web3.provider, "endpoint_uri", ""))).netloc.rpartition("@")[2] or "embedded"

    @property
    def gateways(self) -> tuple[tuple[str, int], ...]:
        return self.deployment.gateways

    def address(self, contract: str) -> str:
        try:
            return self.deployment.contracts[contract]
        except KeyError:
            raise NotFound(f"the deployment has no contract {contract}") from None

    def answers(self, questions: Sequence[Question]) -> list[Any]:
        asked = [self._requests(one) for one in questions]
        found = iter(self._ask_each([request for requests in asked for request in requests]))
        return [
            self._answer(one, *islice(found, len(requests))) for one, requests in zip(questions, asked, strict=True)
        ]

    def head(self, number: int | None = None) -> Head:
        head: Head = self._first(AskBlock(number))
        return head

    def balance(self, account: str) -> int:
        """Ether of an account, in wei."""
        return int(guarded(lambda: self._web3.eth.get_balance(to_checksum_address(account))))

    def read(self, contract: str, function: str, *args: Any, block: int | None = None) -> Any:
        return self._first(AskView((contract, function, *args), block))

    def read_many(self, calls: Sequence[Call], *, block: int | None = None) -> list[Any]:
        found = self.answers([AskView(call, block) for call in calls])
        for one in found:
            if isinstance(one, MedtwinError):
                raise one
        return found

    def write(self, signer: Signer, contract: str, function: str, *args: Any, gas: int | None = None) -> Mined:
        return done(self._write(signer, [(self.address(contract), view(contract, function, len(args)), args)], gas)[0])

    def write_many(self, signer: Signer, calls: Sequence[Call]) -> list[Mined | RevertedError]:
        wanted = [(self.address(contract), view(contract, name, len(args)), args) for contract, name, *args in calls]
        return self._write(signer, wanted, None)

    def estimate(self, account: str, contract: str, function: str, *args: Any) -> int:
        """Gas that a transaction of an account would take, tried out on the newest block; reverts as it would."""
        data = "0x" + view(contract, function, len(args)).call(args).hex()
        draft = {"from": to_checksum_address(account), "to": self.address(contract), "data": data}
        return _number(guarded(self._ask_each([("eth_estimateGas", [draft])])[0], contract, function))

    def write_at(self, signer: Signer, address: str, contract: str, function: str, *args: Any) -> Mined:
        """The same to a contract that is not of the suite, by the ABI that is shipped for its kind."""
        return done(self._write(signer, [(address, view(contract, function, len(args)), args)], None)[0])

    def code(self, address: str) -> bytes:
        """Of the contract at an address; empty if there is none."""
        return bytes(guarded(lambda: self._web3.eth.get_code(to_checksum_address(address))))

    def transfer(self, signer: Signer, to: str, wei: int) -> Mined:
        """Move ether, to fund an account on a development chain."""
        params = {**self._fees(signer.address), "to": to_checksum_address(to), "value": wei, "gas": 21_000}
        return done(self._send(signer, [params], [View("account", "transfer", b"", (), ())])[0])

    def events(
        self, contract: str, name: str, *, since: int = 0, until: int | None = None, **match: Any
    ) -> list[Event]:
        asked = {
            "address": self.address(contract),
            "fromBlock": hex(max(since, self.deployment.block)),
            "toBlock": _at(until),
            "topics": event(contract, name).topics(match),
        }
        found = self._logs(asked)
        return [one for one in found if all(one.args[key] == value for key, value in match.items())]

    def naming(self, events: Sequence[Event], twin_id: int) -> list[Event]:
        return list(events)

    def everything(self, since: int, until: int) -> list[Event]:
        addresses = [to_checksum_address(one) for one in self.deployment.contracts.values()]
        return self._logs({"address": addresses, "fromBlock": hex(since), "toBlock": hex(until)})

    def arguments(self, contract: str, transaction: bytes) -> dict[str, Any]:
        source = self._web3.eth.contract(
            address=to_checksum_address(self.address(contract)), abi=artifact(contract)["abi"], decode_tuples=True
        )
        found = guarded(lambda: self._web3.eth.get_transaction(cast(Any, transaction)))
        if found.get("to") != source.address:
            return {}
        _, given = source.decode_function_input(found["input"])
        return {str(name): plain(value) for name, value in given.items()}

    def settle(self, signer: Signer) -> None:
        guarded(lambda: settled(self._web3, signer, {**self._fees(signer.address)}))

    def is_signed_by(self, account: str, digest: bytes, signature: bytes, *, block: int | None = None) -> bool:
        return bool(self._first(AskSigned(account, digest, signature, block)))

    # -- inside ----------------------------------------------------------------------

    def _first(self, question: Question) -> Any:
        (answer,) = self.answers([question])
        if isinstance(answer, MedtwinError):
            raise answer
        return answer

    def _requests(self, question: Question) -> list[Request]:
        """What is sent to answer a question."""
        match question:
            case AskBlock(number):
                return [("eth_getBlockByNumber", [_at(number), False])]
            case AskView(call, block):
                contract, function, *args = call
                data = view(contract, function, len(args)).call(args)
                return [("eth_call", [{"to": self.address(contract), "data": "0x" + data.hex()}, _at(block)])]
            case AskSigned(account, digest, signature, block):
                data = view("PredictionOracle", "isValidSignature", 2).call((digest, signature))
                asked = {"to": account, "data": "0x" + data.hex(), "gas": hex(WALLET_GAS)}
                return [("eth_getCode", [account, _at(block)]), ("eth_call", [asked, _at(block)])]

    def _answer(self, question: Question, *found: Callable[[], Any]) -> Any:
        """What came back for it, or the error."""
        try:
            match question:
                case AskBlock(number):
                    return guarded(lambda: _head(number, found[0]()))
                case AskView(call):
                    contract, function, *args = call
                    of = view(contract, function, len(args))
                    return guarded(lambda: of.answer(_bytes(found[0])), contract, function)
                case AskSigned(account, digest, signature):
                    code, vouched = (partial(guarded, partial(_bytes, one)) for one in found)
                    return _vouched(vouched) if code() else recovers_to(digest, signature, account)
        except MedtwinError as error:
            return error
        except (KeyError, TypeError, ValueError) as error:
            return nonsense(error)

    def _fees(self, sender: str) -> TxParams:
        account = to_checksum_address(sender)
        nonce, price = map(
            _number, self._ask([("eth_getTransactionCount", [account, "pending"]), ("eth_gasPrice", [])])
        )
        return {
            "from": account,
            "nonce": cast(Any, nonce),
            "gasPrice": self._web3.to_wei(max(price, GAS_PRICE_FLOOR_WEI), "wei"),
            "chainId": self.chain_id,
        }

    def _write(
        self, signer: Signer, wanted: Sequence[tuple[str, View, Sequence[Any]]], gas: int | None
    ) -> list[Mined | RevertedError]:
        """Try each out, send what passed, wait for all; what the chain refuses stands in its place."""
        fees = guarded(lambda: self._fees(signer.address))
        drafts: list[dict[str, Any]] = [
            {"from": fees["from"], "to": to_checksum_address(at), "data": "0x" + one.call(args).hex()}
            for at, one, args in wanted
        ]
        estimates = [("eth_estimateGas", [draft]) for draft in drafts]
        tried = self._ask_each(estimates) if gas is None else [lambda: gas] * len(drafts)
        named = [(one.contract, one.name) for _, one, _ in wanted]
        found: list[Any] = [refused_or(ask, *names) for ask, names in zip(tried, named, strict=True)]
        passed = [at for at, one in enumerate(found) if not isinstance(one, RevertedError)]
        sent = [
            {**fees, **drafts[at], "value": 0, "gas": _number(found[at]), "nonce": fees["nonce"] + place}
            for place, at in enumerate(passed)
        ]
        for at, one in zip(passed, self._send(signer, sent, [wanted[at][1] for at in passed]), strict=True):
            found[at] = one
        return found

    def _send(
        self, signer: Signer, drafts: Sequence[Mapping[str, Any]], views: Sequence[View]
    ) -> list[Mined | RevertedError]:
        if not drafts:
            return []
        params = [{**one, "gas": int(one["gas"] * GAS_MARGIN)} for one in drafts]
        needed = sum(one["gas"] * int(one["gasPrice"]) + int(one.get("value", 0)) for one in params)
        contract, function = views[0].contract, views[0].name
        if self.balance(signer.address) < needed:
            raise ChainError(
                f"{signer.address} holds too little ether: {contract}.{function} may need {needed / 1e18:.6f}",
                hint="fund the account, or use one that is funded",
                kind="insufficient_funds",
            )
        receipts = guarded(lambda: mined(self._ask_each, signer, params), contract, function)
        return [self._mined(*one) for one in zip(receipts, params, views, strict=True)]

    def _mined(self, receipt: Mapping[str, Any], params: Mapping[str, Any], one: View) -> Mined | RevertedError:
        if _number(receipt["status"]) != 1:  # passed the estimate, failed when mined: the state moved in between
            again = {key: params[key] for key in ("from", "to", "data") if key in params}
            why = refused_or(self._ask_each([("eth_call", [again, "latest"])])[0], one.contract, one.name)
            return why if isinstance(why, RevertedError) else RevertedError(one.contract, one.name, "Reverted", {})
        block = _number(receipt["blockNumber"])
        return Mined(
            transaction=bytes(HexBytes(receipt["transactionHash"])),
            block=block,
            time_s=self._times_of({block})[block],
            gas=_number(receipt["gasUsed"]),
            events=self._decode(receipt["logs"]),
        )

    def _logs(self, asked: Mapping[str, Any]) -> list[Event]:
        return list(self._decode(guarded(lambda: self._ask([("eth_getLogs", [asked])])[0])))

    def _decode(self, logs: Sequence[Mapping[str, Any]]) -> tuple[Event, ...]:
        """What the suite's contracts logged."""
        names = {one.lower(): name for name, one in self.deployment.contracts.items()}
        decoded = []
        for entry in logs:
            contract = names.get(str(entry["address"]).lower())
            topics = [bytes(HexBytes(one)) for one in entry["topics"]]
            known = logged(contract, topics[0]) if contract else None
            if contract and known:
                args = guarded(partial(known.arguments, topics, bytes(HexBytes(entry["data"]))))
                decoded.append((contract, known.name, args, entry))
        times = self._times_of({_number(entry["blockNumber"]) for *_, entry in decoded})
        return tuple(
            Event(
                contract, name, args, _number(entry["blockNumber"]), _number(entry["logIndex"]),
                bytes(HexBytes(entry["transactionHash"])), times[_number(entry["blockNumber"])],
            )
            for contract, name, args, entry in decoded
        )  # fmt: skip

    def _times_of(self, blocks: set[int]) -> dict[int, int]:
        unknown = [block for block in blocks if block not in self._block_times]
        for head in self.answers([AskBlock(number) for number in unknown]):
            if isinstance(head, MedtwinError):
                raise head
            self._block_times[head.number] = head.time_s
        return {block: self._block_times[block] for block in blocks}

    def _ask(self, requests: Sequence[Request]) -> list[Any]:
        return [one() for one in self._ask_each(requests)]

    def _ask_each(self, requests: Sequence[Request]) -> list[Callable[[], Any]]:
        """In one message, where the chain is not in this process; each is called for its result, or its error."""
        provider = self._web3.provider
        if isinstance(provider, Rpc):
            answers = guarded(lambda: provider.answers(requests))
            return [partial(result_of, answer) for answer in answers]
        ask = self._web3.manager.request_blocking
        return [partial(ask, cast(Any, method), params) for method, params in requests]


def _at(block: int | None) -> str:
    return "latest" if block is None else hex(block)


def _head(number: int | None, block: Any) -> Head:
    if block is None:
        raise BlockNotFound(f"block {number} was not found")
    return Head(_number(block["number"]), bytes(HexBytes(block["hash"])), _number(block["timestamp"]))


def _bytes(told: Callable[[], Any]) -> bytes:
    return bytes(HexBytes(told()))


def _vouched(ask: Callable[[], bytes]) -> bool:
    """Whether the contract said so; one that reverts, or says something else, vouches for nobody."""
    try:
        return ask()[:WORD] == ERC1271_MAGIC
    except RevertedError:
        return False


def _number(told: Any) -> int:
    """Of an answer; the chain in this process tells numbers as such."""
    return int(told, 16) if isinstance(told, str) else int(told)


def genesis_of(web3: Web3) -> bytes:
    """Hash of block 0."""
    return bytes(web3.eth.get_block(0)["hash"])
