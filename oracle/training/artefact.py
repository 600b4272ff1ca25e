"""An additive model as an ONNX graph of float64, and as a card of canonical JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ..records import E6
from ..twins.additive import Additive

OPSET = 17
IR_VERSION = 9


def write(folder: Path, name: str, card: dict[str, Any]) -> tuple[Path, Path]:
    """Write ``name.onnx`` and ``name.json``; the graph is made from the card's own numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    model, stated = folder / f"{name}.onnx", folder / f"{name}.json"
    model.write_bytes(graph(name, Additive.of(card["model"])))
    text = json.dumps(card, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    stated.write_text(text + "\n", encoding="utf-8")
    return model, stated


def graph(name: str, model: Additive) -> bytes:
    """Steps as comparisons with edges, slopes as a product, missing values as a mask."""
    n = len(model.terms)
    column = np.array([j for j, term in enumerate(model.terms) for _ in term.edges_e6], np.int64)
    constants: dict[str, NDArray[Any]] = {
        "column": column,
        "edge": _real([edge for term in model.terms for edge in term.edges_e6]),
        "rise": _real([b - a for t in model.terms for a, b in zip(t.steps_e6, t.steps_e6[1:], strict=False)])[:, None],
        "slope": _real([term.slope_e6 for term in model.terms])[:, None],
        "centre": _real([term.centre_e6 for term in model.terms]),
        "absent": _real([(term.missing_e6 or 0) - term.steps_e6[0] for term in model.terms])[:, None],
        "base": _real([model.base_e6 + sum(term.steps_e6[0] for term in model.terms)]),
        "zero": np.zeros(1),
    }
    link = "Sigmoid" if model.link == "logistic" else "Identity"
    nodes = [
        helper.make_node("Gather", ["features", "column"], ["gathered"], axis=1),
        helper.make_node("GreaterOrEqual", ["gathered", "edge"], ["passed"]),
        helper.make_node("Cast", ["passed"], ["passed_real"], to=TensorProto.DOUBLE),
        helper.make_node("MatMul", ["passed_real", "rise"], ["risen"]),
        helper.make_node("IsNaN", ["features"], ["missing"]),
        helper.make_node("Cast", ["missing"], ["missing_real"], to=TensorProto.DOUBLE),
        helper.make_node("MatMul", ["missing_real", "absent"], ["masked"]),
        helper.make_node("Sub", ["features", "centre"], ["centred"]),
        helper.make_node("Where", ["missing", "zero", "centred"], ["present"]),
        helper.make_node("MatMul", ["present", "slope"], ["sloped"]),
        helper.make_node("Sum", ["risen", "masked", "sloped", "base"], ["margin"]),
        helper.make_node(link, ["margin"], ["score"]),
    ]
    made = helper.make_model(
        helper.make_graph(
            nodes,
            name,
            [helper.make_tensor_value_info("features", TensorProto.DOUBLE, [1, n])],
            [helper.make_tensor_value_info(out, TensorProto.DOUBLE, [1, 1]) for out in ("score", "margin")],
            [numpy_helper.from_array(value, label) for label, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="medtwin",
    )
    onnx.checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString(deterministic=True))


def _real(values_e6: list[int]) -> NDArray[np.float64]:
    return np.array(values_e6, np.float64) / E6
