"""A model's terms on the chain: they give each contribution, and others are refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from oracle.errors import ChainError, RevertedError, VerificationError
from oracle.formats import merkle
from oracle.records import E6, Features, Status
from oracle.reports import terms
from oracle.reports.vetting import vet
from oracle.serve.cli import model as command
from oracle.twins.shipped import Shipped
from tests.contracts.explanations import TERMS, TERMS_ROOT

from ..conftest import Stage
from .test_vetting import registered

LEARNED = ("cgm_t1d_30", "heart_failure_299", "icu2012", "readmission_diabetes130")


def test_leaves_are_those_the_contract_judges_by() -> None:
    """The example of the contract's own tests has the root it has there."""
    leaves = [merkle.leaf(terms.encode(terms.TERM_TYPES, tuple(one))) for one in TERMS]

    assert merkle.root(leaves) == TERMS_ROOT


@pytest.mark.parametrize("name", LEARNED)
def test_each_contribution_is_the_one_row_that_applies(name: str) -> None:
    """Of values drawn over the training range, edges among them, known or missing: one row applies and gives the contribution."""
    model = replace(Shipped.named(name).additive, least_present=0, tolerance_percent=10**9, widest_e6=10**12)
    table, draw = terms.rows(model), np.random.default_rng(11)
    for _ in range(20):
        values = [
            draw.choice([*one.edges_e6, draw.integers(one.low_e6, one.high_e6, endpoint=True)]) / E6
            if one.missing_e6 is None or draw.random() < 0.8
            else np.nan
            for one in model.terms
        ]
        told = model.predict(Features(model.names, np.array(values)))
        assert told.status is Status.ANSWER
        for index, part in enumerate(told.contributions, 1):
            value, known = part.value_e6 or 0, part.value_e6 is not None
            (row,) = [one for one in table if one[0] == index and one[2] == known and one[3] <= value < one[4]]
            product = round(Fraction(row[6] * (value - row[7]), E6))  # half to even
            assert (row[1], row[5] + product) == (part.feature, part.contribution_e6)


def test_foreign_terms_are_refused(stage: Stage) -> None:
    """Registered terms that are the card's pass; another link, or one step changed by a millionth, does not."""
    shipped = Shipped.named("heart_failure_299")
    model = shipped.additive
    changed = (
        replace(model, base_e6=model.base_e6 + 1),
        replace(model, link="identity" if model.link == "logistic" else "logistic"),
    )
    for number, told in enumerate((model, *changed), 1):
        graph = shipped.model_bytes + bytes(number)
        digest = registered(stage, graph, shipped.card_bytes, approved=False)
        terms.check(stage.chain, digest, model)  # nothing is registered yet
        terms.register(stage.chain, stage.hospital, digest, told)
        stage.chain.write(stage.hospital, "ModelRegistry", "approve", digest)
        if told is model:
            vet(stage.chain, graph, shipped.card_bytes)
            continue
        with pytest.raises(VerificationError) as refused:
            vet(stage.chain, graph, shipped.card_bytes)
        assert refused.value.kind == "foreign_terms"


class CutOff:
    """A chain that stops answering before a model's terms are named."""

    def __init__(self, chain: Any) -> None:
        self._chain = chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def write(self, signer: Any, contract: str, function: str, *args: Any) -> Any:
        if function == "registerTerms":
            raise ChainError("the chain stopped answering")
        return self._chain.write(signer, contract, function, *args)


def test_a_registration_cut_off_in_the_middle_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, store: Any
) -> None:
    """The same command names the terms then; once more it is refused, as is another lineage in between."""
    shipped = Shipped.named("nhs_ae")
    monkeypatch.setattr(command, "signer", lambda _: stage.hospital)
    monkeypatch.setattr(command, "open_store", lambda _: store)
    monkeypatch.setattr(command, "suite", lambda: CutOff(stage.chain))
    with pytest.raises(ChainError):
        command.register("nhs_ae", None, False)
    monkeypatch.setattr(command, "suite", lambda: stage.chain)
    with pytest.raises(RevertedError, match="ModelExists"):
        command.register("nhs_ae", None, True)

    command.register("nhs_ae", None, False)

    told, _ = stage.chain.read("ModelRegistry", "termsOf", shipped.model_digest)
    assert bytes(told) == terms.terms_root(shipped.additive)
    with pytest.raises(RevertedError, match="ModelExists"):
        command.register("nhs_ae", None, False)
