"""Send a custodian and the portal whatever their OpenAPI allows, and what it does not: ``python -m scripts.api_fuzz SECONDS``.

schemathesis in an environment of its own makes the requests, from a fixed seed; both services run in this process over an embedded
chain, and the portal's caller is signed in. It fails if an answer is a server's error (5xx).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from oracle.adapters.memory import MemoryStore, new_signer
from oracle.adapters.portal_http import RemotePortal
from oracle.adapters.process import free_port
from oracle.serve.custodian import service as custodian_service
from oracle.serve.portal.app import service as portal_service
from oracle.serve.portal.portal import Person, Portal
from oracle.serve.portal.relay import Relay
from oracle.serve.portal.sessions import Sessions
from oracle.settings import open_chain, open_custodian

SCHEMATHESIS = Path(__file__).parents[1] / ".tools" / "schemathesis" / "bin" / "schemathesis"
HOOKS = "scripts.api_fuzz_cbor"
ETHER = 10**18
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


def fuzz(url: str, seconds: int, *headers: str) -> int:
    """Its exit code; 0 if nothing failed."""
    command = [str(SCHEMATHESIS), "run", f"{url}/openapi.json", "--checks", "not_a_server_error", "--seed", "1",
               "--max-time", str(seconds), "--no-color"]  # fmt: skip
    for header in headers:
        command += ["--header", header]
    return subprocess.run(command, env={**os.environ, "SCHEMATHESIS_HOOKS": HOOKS}, check=False).returncode


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
        failed = [
            fuzz(urls[0], seconds // 2),
            fuzz(urls[1], seconds // 2, f"Cookie: medtwin={session._client.cookies['medtwin']}"),
        ]
    if any(failed):
        sys.exit("an answer was a server's error; see above")


if __name__ == "__main__":
    main()
