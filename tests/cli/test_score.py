"""``assay score`` as a person runs it: a real process, killed in the middle, run again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import orjson
import pytest

from assay.errors import ConfigurationError
from assay.scoring.lines import LinesFile
from cli.running import ASSAY, assay, environment
from servers.asgi import serving
from small_app import SmallApp
from waiting import until


def _score(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return assay(folder, "score", "--processes", "1", *arguments)


def test_a_few_ids_are_answered_on_standard_output(tmp_path: Path) -> None:
    done = _score(tmp_path, "testwiki", "123", "1234")
    assert done.returncode == 0, done.stderr
    lines = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert [line["rev_id"] for line in lines] == [123, 1234]
    assert lines[0]["scores"]["revid"]["score"]["probability"]["true"] == pytest.approx(0.32)
    assert lines[1]["scores"]["revid"]["score"]["probability"]["true"] == pytest.approx(0.43)


def test_a_wiki_that_is_none_is_told_at_once_and_no_scores_are_tried(tmp_path: Path) -> None:
    """Not as one that went away in the middle, for which a batch waits a minute."""
    url = "http://127.0.0.1:9/w/api.php"
    done = _score(tmp_path, f"club={url}", "1")
    assert done.returncode == 1
    assert f"assay: {url}: the connection failed" in done.stderr
    assert "give the address of api.php that Special:Version names" in done.stderr
    assert "asking again" not in done.stderr


def kill_amid(victim: subprocess.Popen[bytes], output: Path) -> None:
    """Once some lines are written and others are not."""

    def is_amid() -> bool:
        assert victim.poll() is None
        return output.exists() and output.stat().st_size > 10_000

    until(is_amid, 60)
    victim.kill()


def test_killed_in_the_middle_and_run_again_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    ids, output = tmp_path / "ids.txt", tmp_path / "scores.jsonl"
    ids.write_text("\n".join(map(str, range(1, 20_001))))
    command = ("testwiki", "--input", str(ids), "--output", str(output))
    with subprocess.Popen(
        (*ASSAY, "score", "--processes", "1", *command), env=environment(tmp_path), cwd=tmp_path
    ) as victim:
        kill_amid(victim, output)
    before = output.read_bytes().count(b"\n")
    assert 0 < before < 20_000
    done = _score(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    assert [orjson.loads(line)["rev_id"] for line in output.read_bytes().splitlines()] == list(
        range(1, 20_001)
    )


def test_an_output_that_takes_no_more_is_named_and_can_be_gone_on_with(tmp_path: Path) -> None:
    lines = LinesFile(tmp_path / "scores.jsonl")
    lines.append([{"wiki": "w", "rev_id": 1, "scores": {}}])
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, lines.fileno())
    os.close(full)
    with pytest.raises(
        ConfigurationError, match=r"scores\.jsonl cannot be written: No space left .* to go on"
    ):
        lines.append([{"wiki": "w", "rev_id": 2, "scores": {}}])
    lines.close()
    with LinesFile(tmp_path / "scores.jsonl") as again:
        assert again.count == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowiki", "1"), "No scorers available for nowiki"),
        (("testwiki", "1", "--models", "magic"), "testwiki has no model magic; there are: revid"),
        (("testwiki", "12x"), "is not a revision id"),
        (("testwiki",), "give either revision ids"),
        (("testwiki", "--all"), "needs a dump or a history"),
        (("testwiki", "--input", "absent.txt"), "absent.txt cannot be read"),
        (("testwiki", "1", "--wiki", "rubbish"), "write it as NAME=SOURCE, such as enwiki=dump.xml.7z"),
        (("x=absent.xml", "1"), "does not exist"),
        (("testwiki", "1", "--output", "no/such/folder"), "cannot be written"),
        (("testwiki", "1", "--output", "/dev/full"), "/dev/full is no plain file"),
        ((__file__, "1"), f"To score a file, give it a name: mywiki={__file__}"),
    ],
)
def test_bad_usage_is_one_clear_sentence(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = _score(tmp_path, *arguments)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_scores_the_list_and_a_killed_client_goes_on(tmp_path: Path) -> None:
    ids, output = tmp_path / "ids.txt", tmp_path / "scores.jsonl"
    ids.write_text("\n".join(map(str, range(1, 10_001))))
    with serving(SmallApp().build().asgi) as served:
        command = ("--url", served.url, "testwiki", "--input", str(ids), "--output", str(output))
        with subprocess.Popen((*ASSAY, "score", *command), env=environment(tmp_path), cwd=tmp_path) as victim:
            kill_amid(victim, output)
        before = output.read_bytes().count(b"\n")
        assert 0 < before < 10_000
        done = assay(tmp_path, "score", *command)
        for path in ("/v3", "/v3/scores"):
            lost = assay(tmp_path, "score", "--url", f"{served.url}{path}", "testwiki", "123")
            assert lost.returncode == 1
            assert ". Is it an Assay, and its address given without a path behind it?" in lost.stderr
        few = assay(tmp_path, "score", "--url", served.url, "testwiki", "123")
    assert done.returncode == 0, done.stderr
    assert [orjson.loads(line)["rev_id"] for line in output.read_bytes().splitlines()] == list(
        range(1, 10_001)
    )
    assert orjson.loads(few.stdout)["scores"]["revid"]["score"]["probability"]["true"] == pytest.approx(0.32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("testwiki", "1"), "did not answer"),
        (("testwiki", "1", "--url", "localhost:8080"), "such as http://localhost:8080"),
        (("testwiki", "1", "--url", "ftp://localhost"), "such as http://localhost"),
        (("testwiki", "--all"), "--all cannot be given with --url"),
        (("testwiki", "1", "--processes", "2"), "--processes cannot be given with --url"),
    ],
)
def test_bad_usage_of_a_server_is_one_clear_sentence(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = assay(tmp_path, "score", "--url", "http://127.0.0.1:9", *arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
