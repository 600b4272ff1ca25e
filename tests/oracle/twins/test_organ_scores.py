"""qSOFA and SOFA against their published tables, written here cell by cell."""

from __future__ import annotations

from typing import Any

import pytest

from oracle.errors import InputError
from oracle.twins.organ_scores import ORGANS, qsofa, sofa

WELL: dict[str, Any] = {
    "oxygenation": 450, "supported": False, "platelets": 250, "bilirubin": 0.8, "mean_pressure": 90, "catecholamines": {},
    "coma_scale": 15, "creatinine": 0.9, "urine_a_day": 1_500,
}  # fmt: skip

# what is changed, the organ, and its points: first and last value of the table's cells
CELLS: list[tuple[dict[str, Any], str, int]] = [
    ({"oxygenation": 400}, "respiration", 0), ({"oxygenation": 399}, "respiration", 1), ({"oxygenation": 300}, "respiration", 1),
    ({"oxygenation": 299}, "respiration", 2), ({"oxygenation": 199}, "respiration", 2), ({"oxygenation": 90}, "respiration", 2),
    ({"oxygenation": 200, "supported": True}, "respiration", 2), ({"oxygenation": 199, "supported": True}, "respiration", 3),
    ({"oxygenation": 100, "supported": True}, "respiration", 3), ({"oxygenation": 99, "supported": True}, "respiration", 4),
    ({"platelets": 150}, "coagulation", 0), ({"platelets": 149}, "coagulation", 1), ({"platelets": 99}, "coagulation", 2),
    ({"platelets": 49}, "coagulation", 3), ({"platelets": 19}, "coagulation", 4),
    ({"bilirubin": 1.1}, "liver", 0), ({"bilirubin": 1.2}, "liver", 1), ({"bilirubin": 1.9}, "liver", 1),
    ({"bilirubin": 2.0}, "liver", 2), ({"bilirubin": 5.9}, "liver", 2), ({"bilirubin": 6.0}, "liver", 3),
    ({"bilirubin": 11.9}, "liver", 3), ({"bilirubin": 12.1}, "liver", 4),
    ({"mean_pressure": 70}, "circulation", 0), ({"mean_pressure": 69}, "circulation", 1),
    ({"catecholamines": {"dopamine": 4}}, "circulation", 2), ({"catecholamines": {"dobutamine": 9}}, "circulation", 2),
    ({"catecholamines": {"dopamine": 5.1}}, "circulation", 3), ({"catecholamines": {"dopamine": 15}}, "circulation", 3),
    ({"catecholamines": {"adrenaline": 0.1}}, "circulation", 3), ({"catecholamines": {"noradrenaline": 0.1}}, "circulation", 3),
    ({"catecholamines": {"dopamine": 15.1}}, "circulation", 4), ({"catecholamines": {"adrenaline": 0.11}}, "circulation", 4),
    ({"catecholamines": {"noradrenaline": 0.2}}, "circulation", 4),
    ({"coma_scale": 14}, "consciousness", 1), ({"coma_scale": 13}, "consciousness", 1), ({"coma_scale": 12}, "consciousness", 2),
    ({"coma_scale": 10}, "consciousness", 2), ({"coma_scale": 9}, "consciousness", 3), ({"coma_scale": 6}, "consciousness", 3),
    ({"coma_scale": 5}, "consciousness", 4),
    ({"creatinine": 1.2}, "kidneys", 1), ({"creatinine": 1.9}, "kidneys", 1), ({"creatinine": 2.0}, "kidneys", 2),
    ({"creatinine": 3.4}, "kidneys", 2), ({"creatinine": 3.5}, "kidneys", 3), ({"creatinine": 4.9}, "kidneys", 3),
    ({"creatinine": 5.1}, "kidneys", 4), ({"urine_a_day": 500}, "kidneys", 0), ({"urine_a_day": 499}, "kidneys", 3),
    ({"urine_a_day": 199}, "kidneys", 4),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "organ", "points"), CELLS)
def test_sofa_scores_each_cell(changed: dict[str, Any], organ: str, points: int) -> None:
    """One organ's value changed in somebody well: its points, and none anywhere else."""
    found = sofa(**(WELL | changed))

    assert found.points[organ] == points == found.total


def test_sofa_of_the_worst_is_24_and_of_somebody_well_0() -> None:
    """All six organs at their worst."""
    worst = sofa(
        oxygenation=60, supported=True, platelets=10, bilirubin=20, mean_pressure=50, catecholamines={"adrenaline": 1},
        coma_scale=3, creatinine=8, urine_a_day=50,
    )  # fmt: skip

    assert (sofa(**WELL).total, worst.total) == (0, 24)


def test_sofa_names_what_it_cannot_tell() -> None:
    """Nothing known: no total. A pressure without knowledge of drugs, or a low oxygenation without that of support: none."""
    assert sofa().total is None and sofa().missing == ORGANS
    unknown_drugs = sofa(**(WELL | {"catecholamines": None, "mean_pressure": 60}))
    assert unknown_drugs.missing == ("circulation",) and "circulation missing" in str(unknown_drugs)
    assert sofa(**(WELL | {"oxygenation": 150, "supported": None})).missing == ("respiration",)
    assert sofa(**(WELL | {"creatinine": None})).missing == ("kidneys",)  # urine alone could hide a high creatinine
    assert sofa(**(WELL | {"creatinine": None, "urine_a_day": 100})).points["kidneys"] == 4


@pytest.mark.parametrize(("given", "total"), [
    ((16, 120, 15), 0), ((22, 120, 15), 1), ((21.9, 100, 15), 1), ((16, 101, 14), 1), ((25, 90, 15), 2), ((30, 80, 3), 3),
])  # fmt: skip
def test_qsofa_counts_its_three_criteria(given: tuple[float, float, float], total: int) -> None:
    """Respiration of 22 or more, systolic pressure of 100 or less, a coma scale below 15."""
    assert qsofa(respiration=given[0], systolic=given[1], coma_scale=given[2]).total == total


def test_qsofa_without_a_value_has_no_total_but_a_least_one() -> None:
    """Two criteria met are positive whatever the third would say."""
    found = qsofa(respiration=30, systolic=80)

    assert found.total is None and found.at_least == 2 and found.missing == ("coma scale",)


@pytest.mark.parametrize(
    "bad", [{"creatinine": 88.4}, {"coma_scale": 2}, {"oxygenation": 5}, {"catecholamines": {"aspirin": 1}}]
)
def test_scores_refuse_implausible_values_and_unknown_drugs(bad: dict[str, Any]) -> None:
    """A creatinine in micromoles, a coma scale below 3, an oxygenation in kPa, a drug that is none of the four."""
    with pytest.raises(InputError):
        sofa(**(WELL | bad))
