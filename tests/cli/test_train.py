"""``assay extract``, ``train``, ``evaluate``, ``card`` on a slice of a real history, as an operator would."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from assay.cli import train
from cli.running import assay
from shared_data import shared

REVISIONS = 1500


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds ``history.jsonl``: the first revisions of a real wiki."""
    made = tmp_path_factory.mktemp("train")
    with lzma.open(shared("data/histories/chwiki/revisions.jsonl.xz"), "rt", encoding="utf-8") as lines:
        (made / "history.jsonl").write_text(
            "".join(line for line, _ in zip(lines, range(REVISIONS), strict=False))
        )
    return made


def test_step_by_step(folder: Path) -> None:
    history = ("--wiki", "mywiki=history.jsonl")
    extracted = assay(folder, "extract", "mywiki/reverted", *history, "--output", "rows.npz")
    assert extracted.returncode == 0, extracted.stderr
    trained = assay(folder, "train", "mywiki/reverted", "--dataset", "rows.npz", "--output", "bundles")
    is_better = "NOT shown to be better than anywiki" not in trained.stdout
    assert trained.returncode == (0 if is_better else train.NOT_BETTER), trained.stderr
    assert "rows it never saw" in trained.stdout
    assert "of anywiki on the same" in trained.stdout
    assert "assay serve --wiki mywiki=SOURCE" in trained.stdout
    measured = assay(folder, "evaluate", "bundles/mywiki/reverted", "rows.npz")
    assert json.loads(measured.stdout)["roc_auc"]["labels"]["true"] > 0.8
    asked = ("rows.npz", "--usable", "--since", "2008-01-01")
    later = json.loads(assay(folder, "evaluate", "anywiki/reverted", *asked).stdout)
    assert 0 < later["counts"]["n"] < REVISIONS / 2
    assert later["assay"]["held_out"]["how"].endswith(
        "creations, unfinished, since 2008-01-01, against 'label'"
    )
    for above in ("bundles", "bundles/mywiki"):
        refused = assay(folder, "evaluate", above, "rows.npz").stderr
        assert refused == (
            f"assay: {above} is no bundle, for it has no manifest.json: is one of these meant? "
            "bundles/mywiki/reverted\n"
        )
    card = assay(folder, "card", "bundles/mywiki/reverted").stdout
    assert card.startswith("# mywiki/reverted")
    assert "grown on anywiki/reverted" in card
    assert "other wikis" not in card, "it had no rows of any"
    assert assay(folder, "card", "enwiki/damaging").stdout.startswith("# enwiki/damaging")
    assert "    assay train testwiki/revid" in assay(folder, "card", "testwiki/revid").stdout
    assert "or a shipped one: akwiki/reverted, " in assay(folder, "card", "enwiki/magic").stderr
    assert assay(folder, "card", "bundles/mywiki/reverted", "--html").stdout.startswith("<!doctype html>")
    served = assay(
        folder,
        "score",
        "mywiki=history.jsonl",
        "--all",
        "--bundle-directory",
        "bundles",
        "--models",
        "reverted",
    )
    assert served.returncode == 0, served.stderr
    assert served.stdout.count('"score"') > REVISIONS * 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train",), "name a recipe"),
        (("train", "--wiki", "mywiki=history.jsonl"), "and WIKI/reverted for a wiki of your own"),
        (("train", "a/reverted", "--wiki", "a=history.jsonl", "--name", "b"), "--name can be given for one"),
        (("train", "a/reverted", "--wiki", "b=history.jsonl"), "give --wiki a=SOURCE, too"),
        (("train", "--wiki", "wiki.example.org/w/api.php"), "and begin its address with https://"),
        (("train", "a/reverted", "--dataset", "x.npz", "--wiki", "a=history.jsonl"), "give either --dataset"),
        (("train", "a/reverted", "--dataset", "x.npz", "--max-edits", "9"), "--max-edits can be given for a"),
        (
            ("train", "a/reverted", "--wiki", "a=history.jsonl", "--since", "2024-01-31"),
            "--since can be given for a live wiki only",
        ),
        (
            ("extract", "crwiki/reverted", "--data", ".", "--max-revisions", "9", "--output", "x.npz"),
            "--max-revisions can be given for a live wiki only",
        ),
        (("train", "crwiki/revertd", "--data", "."), "did you mean"),
        (("train", "crwiki/reverted"), "give either --data"),
        (("train", "crwiki/reverted", "--data", "."), "give its file or folder"),
        (("train", "crwiki/reverted", "--dataset", "history.jsonl"), "is no data set of Assay"),
        (
            ("train", "crwiki/reverted", "--data", ".", "--output", "history.jsonl"),
            "is a file: name a folder",
        ),
        (("extract", "crwiki/reverted", "--data", ".", "--output", "no/x.npz"), "there is no folder no"),
        (("extract", "crwiki/reverted", "--data", ".", "--output", "."), "is a folder: name a file in it"),
        (("evaluate", "nowhere", "rows.npz"), "nowhere"),
        (("evaluate", "anywiki/reverted", "rows.npz", "--since", "then"), "write a day as 2024-01-31"),
        (("card", "history.jsonl"), "history.jsonl"),
        (("card", "."), ". is no bundle, for it has no manifest.json: give the folder of one"),
    ],
)
def test_bad_usage_is_one_clear_sentence(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    done = assay(folder, *arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("verdict", "status", "use"),
    [("better", 0, "use it: "), ("alike", 4, "use anywiki: "), ("untold", 4, "use")],
)
def test_a_script_learns_from_the_status_which_model_to_use(
    capsys: pytest.CaptureFixture[str], verdict: str, status: int, use: str
) -> None:
    area = {"n": 9, "own": 0.9, "other": None}
    compared = {"verdict": verdict, "interval_95": None, "all": area}
    assert train._told(compared, "mywiki", "wiki.xml", Path("bundles")) == status
    told = capsys.readouterr().out
    assert "ROC-AUC 0.900 against unknown of anywiki on the same 9 later edits" in told
    assert f"\n{use}" in told
    assert ("--bundle-directory bundles" in told) is (status == 0)


def test_what_to_serve_it_from_is_what_it_was_learned_from() -> None:
    given = ["otherwiki=other.xml", "mywiki=day=2026-01-31/wiki.xml"]
    assert train._source_of("mywiki", given) == "day=2026-01-31/wiki.xml"
    assert train._source_of("mywiki", None) == "SOURCE"
