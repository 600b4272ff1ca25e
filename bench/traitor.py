"""An oracle node that lies: its key is one of the oracle's. As a process: the lie, and a node's options.

``wrong`` signs another value, always the same for a round; ``replay`` says again and again what was ever said by
anybody; ``silent`` computes and says nothing; ``equivocate`` signs two reports of a round and sends both.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from oracle.adapters.owned import owned
from oracle.formats.bundles import Bundle
from oracle.formats.typed_data import Domain, report_digest
from oracle.ports import Peers, Signer
from oracle.records import Observation, Readings
from oracle.reports.quorum import Member, config_digest
from oracle.reports.reason import Reasoned, reason
from oracle.serve.listening import Listening
from oracle.serve.node import Metrics, Running, serve
from oracle.settings import Settings, node_folder, open_key, open_suites
from oracle.twins import Kind, kinds
from oracle.wiring import open_member, open_peers, together

LIES = ("wrong", "replay", "silent", "equivocate")
MOST_SAID = 2_000


class LyingPeers:
    """Implements :class:`oracle.ports.Peers`: what reaches the others is not what was said."""

    def __init__(self, peers: Peers, lie: str, signer: Signer, domain: Domain) -> None:
        self._peers, self._lie, self._signer, self._domain = peers, lie, signer, domain
        self.said: list[Observation] = []

    def send(self, observations: Sequence[Observation]) -> None:
        if self._lie == "replay":
            self.said = (self.said + list(observations))[-MOST_SAID:]
            self._peers.send(self.said)
        elif self._lie == "equivocate":
            self._peers.send([*observations, *map(self._other, observations)])
        elif self._lie != "silent":
            self._peers.send(observations)

    def ask(self, bundle: Bundle, signature: bytes) -> Iterator[bytes]:
        return self._peers.ask(bundle, signature)

    def _other(self, observation: Observation) -> Observation:
        report = replace(
            observation.report, score_e6=observation.report.score_e6 + 1, high_e6=observation.report.high_e6 + 1
        )
        return Observation(report, self._signer.address, self._signer.sign_digest(report_digest(self._domain, report)))


def wrong(kind: Kind, parts: Sequence[Readings]) -> Reasoned:
    """One more than is true; sealed and explained as if it were."""
    true = reason(kind, parts)
    value = replace(true.prediction, score_e6=true.prediction.score_e6 + 1, high_e6=true.prediction.high_e6 + 1)
    return replace(true, prediction=value)


def main() -> None:
    """Run until killed, where a node of that name would."""
    asked = argparse.ArgumentParser(prog="bench.traitor")
    asked.add_argument("lie", choices=LIES)
    for name in ("--as", "--kind", "--host", "--bundle"):
        asked.add_argument(name, default="127.0.0.1" if name == "--host" else None)
    asked.add_argument("--port", type=int)
    for name in ("--certificate", "--clients"):
        asked.add_argument(name, type=Path)
    given = asked.parse_args()
    lie, listening = given.lie, Listening(given.port, given.host, given.certificate, given.clients)
    settings, kind = Settings.read(), kinds()[given.kind]
    chains, own = open_suites(settings), open_key(settings, vars(given)["as"])
    deployment = chains[0].deployment
    with owned(node_folder(settings, own.address, deployment)) as folder:
        more: dict[str, Any] = {"compute": wrong} if lie == "wrong" else {}
        member = open_member(settings, folder, own, together(chains), [kind], deployment, **more)
        assert isinstance(member, Member)
        domain = Domain(chains[0].chain_id, chains[0].address("PredictionOracle"))
        config = config_digest(deployment, [kind]).hex()
        peers = open_peers(settings, config)
        lying = member._peers = LyingPeers(peers, lie, own, domain)
        if lie == "replay":
            heard = member.receive

            def overheard(one: Observation) -> bool:
                lying.said.append(one)
                return heard(one)

            member.receive = overheard  # type: ignore[method-assign,assignment]
        serve(Running(member, Metrics()), own.address, deployment.genesis.hex(), config, listening)
