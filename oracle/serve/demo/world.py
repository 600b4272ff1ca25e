"""Everything the demo plays on: a chain, a store, custodians, oracle nodes, funded people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from ...adapters.chain import Web3Chain
from ...adapters.memory import new_signer
from ...custody.release import LocalCustodian
from ...ports import Signer, Store
from ...reports.predict import Node
from ...settings import Opened, open_chain, open_custodian, open_node, open_store
from .show import short

CUSTODIANS = 3
THRESHOLD = 2
NODES = 4
FAULTY = 1
FUNDING_WEI = 10**18


@dataclass(frozen=True, slots=True)
class World:
    """The stage. `people` are keys made for this run, holding a little development ether."""

    opened: Opened
    chain: Web3Chain
    store: Store
    custodians: Sequence[LocalCustodian]
    nodes: Sequence[Node]
    hospital: Signer
    folder: Path
    data: Path
    names: dict[str, str] = field(default_factory=dict)

    @property
    def contracts(self) -> dict[str, str]:
        """Addresses by name."""
        return self.chain.deployment.contracts

    def person(self, name: str) -> Signer:
        """A new funded key, shown by this name."""
        signer = new_signer()
        self.opened.fund(signer.address, FUNDING_WEI)
        self.names[signer.address] = name
        return signer

    def name_of(self, who: str) -> str:
        """The name of an account, contract or twin in this story; else both ends of its address."""
        return self.names.get(who) or short(who)


@contextmanager
def world(chain: str, store: str, data: Path) -> Iterator[World]:
    """Set the stage and clear it away.

    Parameters
    ----------
    chain : str
        ``embedded``, ``ganache`` or a JSON-RPC address.
    store : str
        ``embedded`` or ``ipfs://host:port``.
    data : Path
        Folder of clinical data sets.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="medtwin-")))
        hospital = new_signer()
        custodian_signers = [new_signer() for _ in range(CUSTODIANS)]
        node_signers = [new_signer() for _ in range(NODES)]
        opened = stack.enter_context(open_chain(chain))
        for signer in (hospital, *custodian_signers):
            opened.fund(signer.address, FUNDING_WEI)
        suite = opened.deploy(hospital, [signer.address for signer in node_signers], FAULTY)
        content = open_store(str(folder / "store.sqlite") if store == "embedded" else store)
        custodians = [
            open_custodian(folder / f"custodian-{number}", signer, [suite])
            for number, signer in enumerate(custodian_signers, 1)
        ]
        nodes = [
            open_node(folder / f"node-{number}", signer, suite, content, custodians)
            for number, signer in enumerate(node_signers, 1)
        ]
        yield World(opened, suite, content, custodians, nodes, hospital, folder, data)
