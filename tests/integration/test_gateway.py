"""A gateway as a process: HTTP, a broker with TLS and a folder bring batches while it is killed; each stands once."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_utils import to_checksum_address
from web3.exceptions import TransactionNotFound

from bench.broker import Broker, connect, mosquitto
from bench.clinic import anvil
from oracle.adapters import sending
from oracle.adapters.chain import Web3Chain, remote
from oracle.adapters.ganache import CHAIN_ID, MNEMONIC
from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.keys import LocalSigner
from oracle.adapters.mqtt import TOPICS
from oracle.adapters.process import free_port, running, wait_until
from oracle.batches.anchored import anchored_batches
from oracle.batches.publish import Edge, prepare
from oracle.formats.messages import pack_batch
from oracle.records import Category, Deployment, Outgoing, Purpose, Readings, TwinClass
from oracle.rights.consent import grant
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.settings import Settings, open_custodians, open_store, open_suite, threshold_of
from oracle.twins import kinds

from .clinic import COMMAND, ROOT, Clinic, now_ms, recorded, table, write_csv

DAY_S = 86_400
START_S = 60.0
DONE_S = 90.0
BATCHES = 8
SECONDS = 20


class Gateway:
    """The command as a process, killed and started again on the same folder."""

    def __init__(self, clinic: Clinic, port: int, drop: Path, **environment: str) -> None:
        self._command = [
            *COMMAND, "edge", "run", "--as", "gateway", "--port", str(port), "--every", "0.3", "--drop", str(drop),
        ]  # fmt: skip
        self.url, self._environment = f"http://127.0.0.1:{port}", {**clinic.cli.environment, **environment}
        self._log = clinic.home / "gateway.log"
        self.start()

    def start(self) -> None:
        """Run it and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        assert wait_until(self._answers, self._process, START_S), self._log.read_text()[-800:]

    def kill(self) -> None:
        """As a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", trust_env=False).is_success
        except httpx.HTTPError:
            return False


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A mosquitto of this test's own."""
    with mosquitto(tmp_path / "broker") as found:
        yield found


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # connections the collector closes
def test_what_devices_send_stands_once_while_the_gateway_dies(clinic: Clinic, broker: Broker, tmp_path: Path) -> None:
    """Three devices, three ways in, doubled and out of order, four power cuts: every reading is fetched, once."""
    owner, key = clinic.key("ward-owner"), clinic.key("gateway")
    ward = new_twin_id(TwinClass.WARD, os.urandom)
    mint(clinic.chain, owner, ward)
    pair(clinic.chain, owner, key, ward, clinic.chain.head().time_s + DAY_S)
    followed = tmp_path / "deployment.json"
    followed.write_bytes((clinic.home / "deployment.json").read_bytes())
    cli = replace(clinic.cli, environment={**clinic.cli.environment, "MEDTWIN_DEPLOYMENT": str(followed)})
    cli.ok("edge", "follow", "gateway")
    settings, chain = Settings.read(cli.environment), open_suite(Settings.read(cli.environment))
    drop = tmp_path / "drop"
    drop.mkdir()
    served = replace(clinic, cli=cli)
    gateway = Gateway(
        served, free_port(), drop, MEDTWIN_MQTT=broker.url, MEDTWIN_MQTT_CA=str(broker.authority)
    )  # fmt: skip
    try:
        whole = recorded(SECONDS, end_ms=now_ms())
        by_http, _, _ = clinic.twin("by-http")
        path = write_csv(tmp_path / "readings.csv", table(whole))
        cli.ok("publish", hex(by_http), str(path), "--device", "by-http-device", "--via", gateway.url)
        by_mqtt, mqtt_batches = _sealed(clinic, settings, chain, "by-mqtt", tmp_path)
        by_drop, drop_batches = _sealed(clinic, settings, chain, "by-drop", tmp_path)
        client = connect(broker, "device")
        for number, one in enumerate(_disturbed(mqtt_batches)):
            client.publish(TOPICS[0], pack_batch(one), qos=1).wait_for_publish(10)
            if number % 3 == 1:
                gateway.kill()
                gateway.start()
        for number, one in enumerate(drop_batches):
            partial = drop / f"{number:03}.partial"
            partial.write_bytes(pack_batch(one))
            partial.rename(drop / f"{number:03}.cbor")
        expected = {by_http: 1, by_mqtt: BATCHES, by_drop: BATCHES}
        end = time.monotonic() + DONE_S
        while _counts(chain, settings, expected) != expected and time.monotonic() < end:
            time.sleep(0.5)
        client.loop_stop()
        client.disconnect()
    finally:
        gateway.kill()

    assert _counts(chain, settings, expected) == expected
    assert not list(drop.iterdir())
    posted = chain.events("EpochAnchor", "EpochAnchored", gateway=key.address)
    assert sum(event.args["epoch"]["batches"] for event in posted) == sum(expected.values())
    assert len(posted) < sum(expected.values()), "batches were grouped"
    out = tmp_path / "out.csv"
    reader = clinic.key("reader")
    grant(
        chain, clinic_key(clinic, "by-mqtt"), by_mqtt, reader.address,
        categories=Category.WAVEFORM, purposes=Purpose.CARE, days=1,
    )  # fmt: skip
    cli.ok("fetch", hex(by_mqtt), "--purpose", "care", "--out", str(out), "--as", "reader")
    with out.open() as file:
        assert len(list(csv.reader(file))) - 1 == sum(one.batch.readings for one in mqtt_batches)


def clinic_key(clinic: Clinic, name: str) -> LocalSigner:
    """A key of the clinic's keystore."""
    from oracle.settings import open_key

    return open_key(Settings.read(clinic.cli.environment), name)


def _sealed(
    clinic: Clinic, settings: Settings, chain: Web3Chain, name: str, folder: Path
) -> tuple[int, list[Outgoing]]:
    """A twin, and batches of its device, sealed and signed but not sent."""
    twin_id, _, device = clinic.twin(name)
    kind, custodians = kinds()["pulse"], open_custodians(settings)
    edge = Edge(
        chain, open_store(settings.store), SqliteOutbox(folder / f"{name}.sqlite", device.address, "test"), device,
        device, twin_id, kind.channels, int(kind.category), {one.address: one.public_key(twin_id) for one in custodians},
        threshold_of(custodians), os.urandom, lambda: int(time.time()),
    )  # fmt: skip
    end = now_ms()
    parts: list[Readings] = [recorded(1, end_ms=end - 2_000 * (BATCHES - at)) for at in range(BATCHES)]
    return twin_id, [prepare(edge, one) for one in parts]


def _disturbed(batches: list[Outgoing]) -> list[Outgoing]:
    """Each twice, and every second pair the wrong way round."""
    order: list[Outgoing] = []
    for at in range(0, len(batches), 2):
        order += [batches[at + 1], batches[at], batches[at + 1], batches[at]]
    return order


def _counts(chain: Web3Chain, settings: Settings, twins: Any) -> dict[int, int]:
    store = open_store(settings.store)
    return {twin: len(anchored_batches(chain, twin, store)) for twin in twins}


def test_a_transaction_of_an_earlier_life_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that nobody takes blocks the account; settling puts nothing in its place, and the next one goes through."""
    monkeypatch.setattr(sending, "PAY_MORE_AFTER_S", 1.0)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [anvil(), "--port", str(port), "--chain-id", str(CHAIN_ID), "--hardfork", "shanghai", "--silent",
               "--mnemonic", MNEMONIC, "--block-time", "3"]  # fmt: skip
    with running(command, log=tmp_path / "anvil.log") as process:
        assert wait_until(lambda: _is_chain(url), process, START_S)
        web3, signer = remote(url), LocalSigner.from_mnemonic(MNEMONIC, 0)
        chain = Web3Chain(web3, Deployment(CHAIN_ID, b"", 0, {}))
        cheap = {
            "to": signer.address,
            "value": 1,
            "gas": 21_000,
            "gasPrice": 2 * 10**9,
            "nonce": 0,
            "chainId": CHAIN_ID,
        }
        httpx.post(
            url, json={"jsonrpc": "2.0", "id": 1, "method": "anvil_setBalance", "params": [signer.address, hex(10**21)]}
        )
        sent = web3.eth.send_raw_transaction(signer.sign_transaction(cheap))
        price = {"jsonrpc": "2.0", "id": 1, "method": "anvil_setNextBlockBaseFeePerGas", "params": [hex(50 * 10**9)]}
        httpx.post(url, json=price)  # from here on nobody takes what pays 2 gwei
        chain.settle(signer)
        mined = chain.transfer(signer, signer.address, 5)

        assert mined.gas == 21_000
        assert web3.eth.get_transaction_count(to_checksum_address(signer.address)) == 2
        with pytest.raises(TransactionNotFound):
            web3.eth.get_transaction_receipt(sent)


def _is_chain(url: str) -> bool:
    try:
        remote(url)
    except Exception:
        return False
    return True
