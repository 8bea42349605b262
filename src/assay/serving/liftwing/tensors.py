"""The tensors of the Open Inference Protocol: what a request holds, what an answer says.

https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md. One input,
`rev_id`; a row for each of its elements. Outputs:

====================  =====  ==================================================================
`probability`         FP64   [rows, labels]: by label in the order of `label`; all -1 in a row
                             without a score, since JSON has no NaN and 0 would be an answer
`prediction`          BYTES  [rows]: a label; empty in a row without a score
`error`               BYTES  [rows]: ``code: message`` of a row without a score, else empty
`label`               BYTES  [labels]
====================  =====  ==================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assay.errors import BadParameter
from assay.models.model import Model
from assay.models.recipe import label_name
from assay.revisions.record import MAX_ID
from assay.scoring.options import MAX_REVISIONS
from assay.scoring.request import Cell, Scored

INPUT: Final = "rev_id"
OUTPUTS: Final = ("probability", "prediction", "error", "label")
NO_PROBABILITY: Final = -1.0
MAX_ID_CHARS: Final = 1000


@dataclass(frozen=True, slots=True)
class Inference:
    """`outputs`: names, in the order asked for. `id`: None when the client gave none."""

    rev_ids: tuple[int, ...]
    outputs: tuple[str, ...] = OUTPUTS
    id: str | None = None


def read_inference(body: Mapping[str, Any]) -> Inference:
    """Raises `BadParameter`. Parameters are of extensions, of which Assay has none; they are ignored."""
    if body.get("parameters") is not None and not isinstance(body["parameters"], dict):
        raise BadParameter("Could not interpret parameters. Give an object.")
    return Inference(_rev_ids(body.get("inputs")), _outputs(body.get("outputs")), _id(body.get("id")))


def _id(value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or len(value) > MAX_ID_CHARS):
        raise BadParameter(f"Could not interpret id. Give a string of at most {MAX_ID_CHARS} characters.")
    return value


def _rev_ids(inputs: Any) -> tuple[int, ...]:
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise BadParameter(f"Could not interpret inputs. Give a list of one tensor, {INPUT}.")
    (tensor,) = inputs
    if tensor.get("name") != INPUT:
        raise BadParameter(f"Could not interpret inputs. The tensor's name is {INPUT}.")
    if tensor.get("datatype") != "INT64":
        raise BadParameter(f"Could not interpret {INPUT}. Its datatype is INT64.")
    data = tensor.get("data")
    if not isinstance(data, list) or not 1 <= len(data) <= MAX_REVISIONS:
        raise BadParameter(f"Could not interpret {INPUT}. Give 1 to {MAX_REVISIONS} ids as its data.")
    shape = tensor.get("shape")
    if not isinstance(shape, list) or shape != [len(data)] or isinstance(shape[0], bool | float):
        raise BadParameter(
            f"Could not interpret {INPUT}. Its shape is the number of its elements, [{len(data)}]."
        )
    if not all(type(value) is int and 0 < value <= MAX_ID for value in data):
        raise BadParameter(
            f"Could not interpret {INPUT}. Every element is a whole number from 1 to {MAX_ID}."
        )
    return tuple(data)


def _outputs(asked: Any) -> tuple[str, ...]:
    """All when none is asked for."""
    if asked is None or asked == []:
        return OUTPUTS
    if not isinstance(asked, list) or not all(isinstance(output, dict) for output in asked):
        raise BadParameter("Could not interpret outputs. Give a list of objects with a name.")
    names = tuple(output.get("name") for output in asked)
    if not all(name in OUTPUTS for name in names) or len(set(names)) < len(names):
        raise BadParameter(f"Could not interpret outputs. Name each once, of {', '.join(OUTPUTS)}.")
    return names


def metadata(name: str, model: Model) -> dict[str, Any]:
    """The document of a model. -1: as many as there are rows."""
    labels = len(model.labels)
    return {
        "name": name,
        "versions": [model.version],
        "platform": "assay_lightgbm",
        "inputs": [{"name": INPUT, "datatype": "INT64", "shape": [-1]}],
        "outputs": [
            {"name": "probability", "datatype": "FP64", "shape": [-1, labels]},
            {"name": "prediction", "datatype": "BYTES", "shape": [-1]},
            {"name": "error", "datatype": "BYTES", "shape": [-1]},
            {"name": "label", "datatype": "BYTES", "shape": [labels]},
        ],
    }


def outputs(model: Model, rows: Sequence[Cell], names: Sequence[str]) -> list[dict[str, Any]]:
    """The tensors of `names`. `rows`: a cell for each element of the input, in its order."""
    count, labels = len(rows), len(model.labels)
    made: dict[str, tuple[str, list[int], list[Any]]] = {
        "probability": ("FP64", [count, labels], [p for row in rows for p in _probability(model, row)]),
        "prediction": ("BYTES", [count], [_prediction(row) for row in rows]),
        "error": ("BYTES", [count], [_error(row) for row in rows]),
        "label": ("BYTES", [labels], [label_name(label) for label in model.labels]),
    }
    return [
        {"name": name, "datatype": datatype, "shape": shape, "data": data}
        for name, (datatype, shape, data) in ((name, made[name]) for name in names)
    ]


def _probability(model: Model, row: Cell) -> list[float]:
    if isinstance(row, Scored):
        return [row.score.probability[label] for label in model.labels]
    return [NO_PROBABILITY] * len(model.labels)


def _prediction(row: Cell) -> str:
    return label_name(row.score.prediction) if isinstance(row, Scored) else ""


def _error(row: Cell) -> str:
    return "" if isinstance(row, Scored) else f"{row.code}: {row.message}"
