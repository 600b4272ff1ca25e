"""The acts about access: a purchase, a stranger, a revocation."""

from __future__ import annotations

import hashlib
import os
import time

from ...batches.fetch import OpenedBatch, fetch
from ...errors import CustodyDenied, VerificationError
from ...ports import Signer
from ...records import Category, Purpose
from ...rights.consent import revoke
from ...rights.market import Offer, buy, offer
from .care import Patient
from .facts import Facts
from .show import Show, short
from .world import World

PRICE_PER_DAY = 5 * 10**18
DAYS = 30
TOKENS = 1_000 * 10**18
PURPOSE = Purpose.RESEARCH_HEALTH
TERMS = b"Research for the stated purpose. No attempt to identify anyone. No onward transfer."


def research(scene: World, patient: Patient, show: Show, facts: Facts) -> Signer:
    """Offer, purchase, fetch and verify; then the same request by somebody else."""
    chain = scene.chain
    offered = Offer(
        patient.twin_id, PRICE_PER_DAY, Category(patient.edge.category), PURPOSE, DAYS, hashlib.sha256(TERMS).digest()
    )
    facts.gas["list"] = offer(chain, patient.owner, offered).gas
    researcher, stranger = scene.person("researcher"), scene.person("stranger")
    chain.write(researcher, "TestToken", "mint", researcher.address, TOKENS)
    facts.gas["purchase"] = buy(chain, researcher, offered, DAYS).gas
    show.done(f"offered at {PRICE_PER_DAY // 10**18} test tokens a day; {DAYS} days bought for health research")
    opened = ask(scene, researcher, patient)
    count = sum(len(one.readings) for one in opened)
    show.done(f"two custodians released their shares: {len(opened)} batches, {count:,} readings decrypted")
    show.done("verified against the chain: CID, device signature, order, Merkle root of every batch")
    show.say("    [dim]from oracle import connect[/]")
    show.say(f'    [dim]twin = connect(key="researcher").twin("{short(patient.twin_id)}")[/]')
    show.say(f'    [dim]frame = twin.fetch(purpose="research_health", category="{_name(patient)}")[/]')
    must_refuse(scene, stranger, patient, "stranger", "a stranger asks for the same", show, facts)
    return researcher


def revocation(scene: World, patient: Patient, researcher: Signer, show: Show, facts: Facts) -> None:
    """One transaction; then the researcher's next request, and the refund."""
    before = scene.chain.read("TestToken", "balanceOf", researcher.address)
    began = time.perf_counter()
    head = scene.chain.head().number
    ended = revoke(scene.chain, patient.owner, patient.twin_id, researcher.address)
    must_refuse(scene, researcher, patient, "revoked", "the same researcher asks again", show, facts)
    seconds = time.perf_counter() - began
    refund = scene.chain.read("TestToken", "balanceOf", researcher.address) - before
    facts.gas["revoke"] = ended.mined.gas
    facts.revocation = {
        "blocks_to_lock": ended.mined.block - head,
        "seconds_to_lock": round(seconds, 3),
        "refund_wei": refund,
        "paid_wei": PRICE_PER_DAY * DAYS,
    }
    if refund != ended.refund or refund == 0:
        raise VerificationError(f"the refund of {ended.refund} did not arrive: {refund}", hint=ended.refund_failed)
    show.done(f"locked in {facts.revocation['blocks_to_lock']} block, {seconds:.2f} s with the refusal")
    show.done(
        f"refund arrived: {refund / 10**18:.6f} of {PRICE_PER_DAY * DAYS / 10**18:.0f} test tokens, to the second"
    )
    show.say("[dim]what was already decrypted cannot be unread; nothing further can be opened[/]")


def ask(scene: World, who: Signer, patient: Patient) -> list[OpenedBatch]:
    """One grantee's request for everything of one twin, for health research."""
    return fetch(
        scene.chain,
        scene.store,
        scene.custodians,
        who,
        twin_id=patient.twin_id,
        purpose=int(PURPOSE),
        category=patient.edge.category,
        random_bytes=os.urandom,
    )


def _name(patient: Patient) -> str:
    return str(Category(patient.edge.category).name).lower()


def must_refuse(scene: World, who: Signer, patient: Patient, kind: str, what: str, show: Show, facts: Facts) -> None:
    """Ask, and insist on being refused."""
    try:
        ask(scene, who, patient)
    except CustodyDenied as error:
        facts.refuse(kind, error.sentence)
        show.refused(what, error.sentence)
    else:
        raise VerificationError(f"{what}, and was answered", hint="this is a fault in Medtwin: please report it")
