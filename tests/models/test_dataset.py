from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigurationError
from assay.models.dataset import COLUMNS, Dataset, concat


def small() -> Dataset:
    return Dataset.of(
        ["feature.a", "feature.b"],
        [[1, None], [True, 2.5], [0.0, -1]],
        label=[0, 1, 1],
        page=["A", "Ünïcode", ""],
        rev_id=[5, 6, 7],
    )


def test_missing_values_are_nan_and_truth_values_numbers() -> None:
    data = small()
    assert np.isnan(data.x[0, 1])
    assert data.x[1, 0] == 1.0
    assert set(COLUMNS) <= set(data.columns)
    assert data["weight"].tolist() == [1, 1, 1]


def test_saved_and_loaded_again_it_is_the_same(tmp_path: Path) -> None:
    data = small().with_columns(is_reverted=[True, False, True])
    data.save(tmp_path / "rows.npz")
    again = Dataset.load(tmp_path / "rows.npz")
    assert again.digest == data.digest
    assert again.features == data.features
    assert again["is_reverted"].tolist() == [True, False, True]
    assert [entry.name for entry in tmp_path.iterdir()] == ["rows.npz"]


def test_digest_tells_values_columns_and_names_apart() -> None:
    data = small()
    others = [
        data.rows(np.array([1, 0, 2])),
        data.with_columns(label=[0, 1, 0]),
        data.select(["feature.b", "feature.a"]),
        data.with_columns(further=[1, 2, 3]),
    ]
    assert len({data.digest, *(other.digest for other in others)}) == 5


def test_digest_does_not_depend_on_the_padding_of_strings() -> None:
    data = small()
    assert concat([data.rows(np.array([0])), data.rows(np.array([1, 2]))]).digest == data.digest
    assert (
        data.rows(np.array([0])).digest
        == Dataset.of(data.features, [[1, None]], label=[0], page=["A"], rev_id=[5]).digest
    )


def test_a_pickle_inside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    with path.open("wb") as stream:
        np.savez(stream, features=np.array([{"a": 1}], dtype=object), x=np.zeros((1, 1)))
    with pytest.raises(ConfigurationError, match="no data set of Assay"):
        Dataset.load(path)


def test_rubbish_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rubbish.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(ConfigurationError, match="no data set of Assay"):
        Dataset.load(tmp_path / "rubbish.npz")


@pytest.mark.parametrize(
    ("name", "reason"), [("absent.npz", "No such file or directory"), ("", "Is a directory")]
)
def test_what_is_no_file_is_not_called_a_data_set_to_extract_again(
    tmp_path: Path, name: str, reason: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Dataset.load(tmp_path / name)
    assert str(refusal.value) == f"{tmp_path / name} cannot be read: {reason}"


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small().save(tmp_path / "rows.npz")
    monkeypatch.setattr("assay.models.dataset.MAX_BYTES", 100)
    with pytest.raises(ConfigurationError, match="unpacks to more"):
        Dataset.load(tmp_path / "rows.npz")


@given(data=st.data())
def test_any_damaged_byte_is_refused_or_harmless(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "rows.npz"
    small().save(path)
    raw = bytearray(path.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    with suppress(ConfigurationError):
        assert Dataset.load(path).digest == small().digest


def test_wrong_shapes_and_names_are_told() -> None:
    with pytest.raises(ConfigurationError, match="not one value per row: label"):
        small().with_columns(label=[1.0])
    with pytest.raises(ConfigurationError, match="no column 'nothing'"):
        small()["nothing"]
    with pytest.raises(ConfigurationError, match="lacks 1 features"):
        small().select(["feature.c"])
    with pytest.raises(ConfigurationError, match="different features"):
        concat([small(), small().select(["feature.a"])])
    with pytest.raises(ConfigurationError, match="mixes types"):
        small().with_columns(mixed=[1, "a", None])
