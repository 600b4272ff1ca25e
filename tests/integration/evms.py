"""The four EVMs that the suite runs on unchanged: which fork of Ethereum each is, how it is started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from web3 import Web3
from web3.types import Wei

from bench.clinic import anvil
from oracle.adapters.chain import remote
from oracle.adapters.process import free_port, last_words, running, wait_until
from oracle.errors import ChainError

from .clinic import TOOLS

FORKS = ("shanghai", "cancun", "prague", "osaka")
EVMS = {"ganache": "shanghai", "embedded": "prague", "anvil": "osaka", "geth": "osaka"}
GETH = TOOLS / "geth"
START_S = 30.0
RAN: list[str] = []
"""Where the main job ran in this session; printed at its end."""

# A contract's creation that succeeds only where the fork's news are known; each ends with STOP.
PROBES = {
    "shanghai": "5f00",  # PUSH0 (EIP-3855)
    "cancun": "5f5f5f5e00",  # MCOPY (EIP-5656)
    "prague": "608060006101006000600b5afa503d608014601657fe5b00",  # G1ADD of BLS12-381 gives 128 bytes (EIP-2537)
    "osaka": "60011e00",  # CLZ (EIP-7939)
}


def here() -> list[str]:
    """Those that can be started: three come with set-up, geth with ``make chains``."""
    return [name for name in EVMS if name != "geth" or GETH.is_file()]


def told() -> str:
    """What ran, and what is not here."""
    missing = [name for name in EVMS if name not in here()]
    absent = f"; not here: {', '.join(missing)} (make chains builds it, with Go)" if missing else ""
    return f"the main job ran on {', '.join(RAN)}{absent}"


@contextmanager
def started(name: str, folder: Path) -> Iterator[str]:
    """What ``open_chain`` takes: a word for those that it starts itself, or the address of one started here."""
    if name in ("ganache", "embedded"):
        yield name
        return
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(command(name, port, folder), log=folder / f"{name}.log") as process:
        if not wait_until(lambda: _answers(url), process, START_S):
            raise ChainError(f"{name} did not start: {last_words(folder / f'{name}.log')}", hint="see its log")
        yield url


def command(name: str, port: int, folder: Path) -> Sequence[str]:
    """A development chain on loopback that mines what it gets."""
    if name == "anvil":
        return [anvil(), "--port", str(port), "--hardfork", EVMS[name], "--silent"]
    return [
        str(GETH), "--dev", "--datadir", str(folder / "geth"), "--ipcdisable", "--nodiscover", "--maxpeers", "0",
        "--http", "--http.addr", "127.0.0.1", "--http.port", str(port), "--http.api", "eth,net,web3",
        "--authrpc.port", str(free_port()),
    ]  # fmt: skip


def fork_of(web3: Web3) -> str:
    """The latest fork whose news this chain knows, asked of the chain itself."""
    known = [name for name in FORKS if _creates(web3, PROBES[name])]
    assert known == list(FORKS[: len(known)]), f"a fork without the one before it: {known}"
    return known[-1]


def _creates(web3: Web3, code: str) -> bool:
    sent = web3.eth.send_transaction(
        {"from": web3.eth.accounts[0], "data": "0x" + code, "gas": 200_000, "gasPrice": Wei(2 * 10**9)}  # type: ignore[typeddict-item]
    )
    return bool(web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.05)["status"])


def _answers(url: str) -> bool:
    try:
        remote(url)
    except ChainError:
        return False
    return True
