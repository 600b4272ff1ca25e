"""Send a custodian and the portal whatever their OpenAPI allows, and what it does not: ``python -m scripts.api_fuzz SECONDS``.

schemathesis in an environment of its own makes the requests, from a fixed seed, many of them sound ones with some bytes changed; both
services run in this process over an embedded chain, and the portal's caller is signed in. It fails if an answer is a server's
error (5xx).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import MemoryStore, new_signer
from oracle.adapters.portal_http import RemotePortal
from oracle.adapters.process import free_port
from oracle.custody.release import LocalCustodian
from oracle.formats import hpke, share_table
from oracle.formats.receipts import request_digest
from oracle.formats.share_table import ShareTable, table_digest
from oracle.formats.typed_data import Domain
from oracle.formats.wire import pack_erasure, pack_request
from oracle.ports import Chain
from oracle.records import Batch, Context, ErasureRequest, Included, KeyRequest, SealedShare, TwinClass
from oracle.rights.mint import mint, new_twin_id
from oracle.serve.custodian import service as custodian_service
from oracle.serve.portal.app import service as portal_service
from oracle.serve.portal.portal import Person, Portal
from oracle.serve.portal.relay import Relay
from oracle.serve.portal.sessions import Sessions
from oracle.settings import open_chain, open_custodian

SCHEMATHESIS = Path(__file__).parents[1] / ".tools" / "schemathesis" / "bin" / "schemathesis"
HOOKS = "scripts.api_fuzz_cbor"
ETHER = 10**18
LIFE_S = 10 * 60
MANY = 10**6  # requests a minute


@contextmanager
def serving(app: FastAPI, port: int) -> Iterator[None]:
    """The service on a port of this machine, until left."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    yield
    server.should_exit = True
    thread.join()


def bodies(chain: Chain, custodian: LocalCustodian, owner: LocalSigner) -> list[str]:
    """Sound ones, in hexadecimal: a request that a twin's owner signed, an order to erase another, a table of shares."""
    twin_id, later = new_twin_id(TwinClass.PATIENT, os.urandom), chain.head().time_s + LIFE_S
    mint(chain, owner, twin_id)
    custodian.public_key(twin_id)
    consents = Domain(chain.chain_id, chain.address("ConsentRegistry"))
    share = SealedShare(custodian.address, bytes(32), bytes(64))
    asked = KeyRequest(twin_id, owner.address, hpke.public_key(hpke.new_key(os.urandom)), (bytes(32),), 1, 1, 1, later)
    asked = replace(asked, signature=owner.sign_digest(request_digest(consents, asked)))
    context = Context(chain.chain_id, chain.address("DataAnchor"), twin_id, owner.address, 1, "unit/1", 1)
    batch = Batch(twin_id, 1, bytes(32), bytes(32), bytes(32), 1, 1, 2)
    proof = (batch, Included(owner.address, 1, bytes(65), (bytes(32),)))
    order = ErasureRequest(twin_id, new_signer().address, later, bytes(65))
    others = sorted([custodian.address, new_signer().address])
    table = ShareTable(twin_id, 1, 0, 2, {bytes(32): tuple(replace(share, custodian=one) for one in others)})
    table = replace(table, signature=owner.sign_digest(table_digest(consents, table)))
    made = [pack_request(asked, [(context, share)]), pack_request(asked, [(context, share)], [proof]),
            pack_erasure(order), share_table.pack(table)]  # fmt: skip
    return [one.hex() for one in made]


def fuzz(url: str, seconds: int, sound: Sequence[str], *headers: str) -> int:
    """Its exit code; 0 if nothing failed."""
    command = [str(SCHEMATHESIS), "run", f"{url}/openapi.json", "--checks", "not_a_server_error", "--seed", "1",
               "--max-time", str(seconds), "--no-color"]  # fmt: skip
    for header in headers:
        command += ["--header", header]
    told = {"SCHEMATHESIS_HOOKS": HOOKS, "MEDTWIN_FUZZ_BODIES": json.dumps(sound)}
    return subprocess.run(command, env={**os.environ, **told}, check=False).returncode


def main() -> None:
    """Both services, half of the time each."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="medtwin-fuzz-")))
        opened = stack.enter_context(open_chain("embedded"))
        hospital, person = new_signer(), new_signer()
        opened.fund(hospital.address, 10 * ETHER)
        chain = opened.deploy(hospital, [new_signer().address for _ in range(4)], 1)
        custodian = open_custodian(folder, new_signer(), [chain])
        ports = free_port(), free_port()
        urls = [f"http://localhost:{port}" for port in ports]
        portal = Portal(
            chain=chain, chain_url="http://127.0.0.1:1", witnesses=(), custodians=(custodian,), custodian_urls=urls[:1],
            store=MemoryStore(), site=f"localhost:{ports[1]}", kinds={}, sessions=Sessions(chain, time.monotonic),
            relay=Relay(chain, hospital), people={person.address: Person(name="somebody", role="clinician")},
        )  # fmt: skip
        stack.enter_context(serving(custodian_service(custodian, requests_a_minute=MANY), ports[0]))
        stack.enter_context(serving(portal_service(portal, requests_a_minute=MANY), ports[1]))
        session = RemotePortal(urls[1], person, chain.chain_id)
        session._sign_in()
        sound = bodies(chain, custodian, hospital)
        failed = [
            fuzz(urls[0], seconds // 2, sound),
            fuzz(urls[1], seconds // 2, sound, f"Cookie: medtwin={session._client.cookies['medtwin']}"),
        ]
    if any(failed):
        sys.exit("an answer was a server's error; see above")


if __name__ == "__main__":
    main()
