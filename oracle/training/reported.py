"""What every card says in the order of Mitchell et al. (2019), and where it answers the items of TRIPOD+AI (2024).

References
----------
Mitchell et al., Model cards for model reporting, FAT* 2019. Collins et al., TRIPOD+AI statement, BMJ 2024;385:e078378.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Card = dict[str, Any]
NONE = "Not applicable: retrospective public records, already without names; nobody was recruited, treated or asked."
OPEN = "Apache-2.0; code, card, graph and the commands that make them again are in the package. No protocol was registered beforehand."
PEOPLE: Mapping[str, str] = {
    "cgm_t1d": "People with type 1 diabetes who wore a glucose monitor and a wrist device for some days.",
    "heart_failure_299": "Adults of 40 years and more with left ventricular systolic dysfunction, NYHA class III or IV, followed for 4 to 285 days.",
    "icu2012": "Adults (16 years and more) on their first stay in intensive care of 48 h or longer.",
    "machine_temperature": "No people: one industrial machine.",
    "nhs_ae": "No persons: English organisations with a consultant-led emergency department.",
    "pulse": "People whose pulse wave was recorded for some minutes.",
    "readmission_diabetes130": "Inpatients with diabetes, 1 to 14 days in hospital, who left alive and not to a hospice.",
    "rhythm": "People whose electrocardiogram and pulse wave were recorded for some minutes.",
}


def reported(kind: str, card: Mapping[str, Any]) -> Card:
    """The card with its parts ``model_card`` and ``tripod_ai``; whatever they point at is beside them."""
    return {**card, "model_card": _mitchell(kind, card), "tripod_ai": _tripod(kind, card)}


def _mitchell(kind: str, card: Mapping[str, Any]) -> Card:
    return {
        "model_details": {
            "developer": "The Medtwin developers",
            "licence": "Apache-2.0",
            "type": card["method"],
            "answers": card["title"],
            "unit": card["unit"],
            "how_parts_add_up": card["link"],
            "contact": "SECURITY.md of the repository",
        },
        "intended_use": {
            "use": card["intended_use"],
            "users": "Researchers, teachers, developers.",
            "out_of_scope": "Any decision about a person's care, about staff or money; use without the interval and the limits beside it.",
        },
        "factors": {
            "people": PEOPLE.get(kind, "See data."),
            "groups": [row["subgroup"] for row in card.get("subgroups", [])],
            "not_recorded": "Whatever is not named under groups was not recorded or has too few outcomes to be told.",
        },
        "metrics": {
            "headline": card["headline"]["metric"],
            "baseline": card["headline"]["baseline_name"],
            "uncertainty": "95 % percentile bootstrap, by whole persons where there are several rows of one",
            "calibration": "Brier score, slope and intercept of a logistic recalibration, expected error over 10 groups of equal size",
            "threshold": card.get("threshold_chosen", "none" if "threshold" not in card else "see method"),
        },
        "evaluation_data": {"what": card["data"], "how": card["headline"]["how"]},
        "training_data": {"what": card["data"], "data_sheet": card.get("data_sheet", {}).get("digest")},
        "quantitative_analyses": [name for name in ANALYSES if name in card],
        "ethical_considerations": {
            "people": NONE if not PEOPLE.get(kind, "").startswith("No ") else "No person's data.",
            "harm": "A wrong risk may lead attention away from somebody; a right one may be believed too much. Both are why limits, "
            "interval and 'no answer' are part of every report.",
        },
        "caveats_and_recommendations": card["limits"],
    }


ANALYSES = (
    "figures", "all_held_out", "answered_only", "nested", "curves", "subgroups", "coverage", "people", "failures",
    "explanation", "intervals",
)  # fmt: skip


def _tripod(kind: str, card: Mapping[str, Any]) -> dict[str, str]:
    """Item and what the card says on it, or that it does not."""
    risk = card["link"].startswith("score = 1 /")
    nested = "nested" in card
    return {
        "1 title": card["title"],
        "2 abstract": f"{card['headline']['metric']} {card['headline']['value']} on {card['headline']['how']}",
        "3 background": "Shown as an example of accountable prediction; no health inequality of the setting was studied.",
        "4 objectives": "Development and internal evaluation; no external evaluation by the developers.",
        "5 data": card["data"],
        "6 participants": PEOPLE.get(kind, card["data"]),
        "7 data preparation": "docs/models.md, and the code of the kind; the same code prepares training and use.",
        "8 outcome": card["title"],
        "9 predictors": f"{len(card['model']['terms'])} features, named under model.terms with their units in the twin's channels.",
        "10 sample size": "All records there are; no calculation beforehand.",
        "11 missing data": "A missing value has a term of its own, or withholds the answer where there is none; nothing is imputed.",
        "12 analytical methods": card["method"],
        "13 class imbalance": "Left as it is; the risk is calibrated to the observed rate."
        if risk
        else "Not applicable.",
        "14 fairness": "See subgroups." if card.get("subgroups") else "No group of people is recorded.",
        "15 model output": card["link"],
        "16 training and evaluation": card["headline"]["how"],
        "17 ethical approval": NONE,
        "18 open science": OPEN,
        "19 patient and public involvement": "None.",
        "20 participants' flow": "See figures (n) and answered.",
        "21 model development": "See nested." if nested else "See method.",
        "22 model specification": "Whole under model: base, every step, slope and missing term in millionths; the same as an ONNX graph.",
        "23 model performance": "See figures, curves and subgroups, with 95 % intervals.",
        "24 model updating": "None.",
        "25 interpretation": "Additive: base and parts sum to the score exactly; see explanation for how faithful and steady they are.",
        "26 limitations": " ".join(card["limits"]),
        "27 usability": "Needs its features as listed; says no answer by the rules of model and, where there is one, of record.",
    }
