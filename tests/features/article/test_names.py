"""What names mean: the shipped patterns on names as wikis write them, and lines that cannot be read."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigurationError
from assay.features.article.any_wiki import NAMES_LEXICON
from assay.features.article.names import ArticleNames, article_names, normalised, normalised_template
from assay.features.lexicon import Lexicon, shipped
from shared_data import shared


@pytest.fixture(scope="module")
def names() -> ArticleNames:
    return article_names(shipped(NAMES_LEXICON)[NAMES_LEXICON])


def made(*lines: str) -> ArticleNames:
    return ArticleNames(Lexicon.of(NAMES_LEXICON, lines))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (" Cite_web <!-- x --> ", "cite web"),
        ("cite<!-- a\nb --> web<!-- c -->", "cite web"),
        ("cite web<!-- never closed {{", "cite web"),
        ("Cite\n__\tweb", "cite web"),
        ("", ""),
    ],
)
def test_a_name_is_what_a_wiki_takes_it_for(name: str, expected: str) -> None:
    assert normalised(name) == expected


@given(st.text(alphabet="aB _\n\t<!->é", max_size=700))
def test_a_name_is_short_and_has_single_blanks(name: str) -> None:
    found = normalised(name)
    assert len(found) <= 120
    assert not set("\n\t_B") & set(found)
    assert "  " not in found
    assert found == normalised(name.replace(" ", "_")) == normalised(f"<!-- x -->{name}")


def test_long_names_are_cut() -> None:
    assert normalised("x" * 10_000) == "x" * 120
    assert normalised("_" * 400 + "x" * 10_000) == "x" * 80, "blanks in front count up to a limit"


@pytest.mark.parametrize(
    "namespace", ["Template", "modèle ", "Шаблон", "VORLAGE", "Plantilla", "predefinição"]
)
def test_a_template_s_written_out_namespace_is_no_part_of_its_name(namespace: str) -> None:
    assert normalised_template(f"{namespace}: Foo") == normalised_template(f"{namespace}:foo") == "foo"
    assert normalised_template(f"a {namespace}:foo") == f"a {namespace}:foo".lower()


def test_other_colons_are_part_of_a_template_s_name() -> None:
    assert normalised_template("#if: Template:x") == "#if: template:x"
    assert normalised_template("Template foo") == "template foo"


def test_kinds_of_names_in_several_languages(names: ArticleNames) -> None:
    assert {"cite", "cite_web"} <= names.of("cite web")
    assert "infobox" in names.of("infobox person")
    assert "ns_file" in names.of("файл")
    assert "ns_category" in names.of("catégorie")
    assert "class" in names.of("japan-geo-stub")
    assert names.of("some unknown name") == frozenset()


def test_a_real_wiki_s_names_for_files_and_categories_are_known(names: ArticleNames) -> None:
    query = json.loads(shared("samples/mediawiki/siteinfo.json").read_text("utf-8"))["query"]
    told = {space["name"]: space["id"] for space in query["namespaces"].values()}
    told |= {alias["alias"]: alias["id"] for alias in query["namespacealiases"]}
    files = {name for name in told if "ns_file" in names.of(normalised(name))}
    categories = {name for name in told if "ns_category" in names.of(normalised(name))}
    assert files == {name for name, number in told.items() if number in (6, -2)}
    assert categories == {name for name, number in told.items() if number == 14}


def test_a_pattern_is_for_the_whole_name_and_each_alternative_for_itself() -> None:
    found = made("short\tcite|sfn", "short\tharv.*", "long\tcite web")
    assert found.kinds == {"short", "long"}
    assert found.of("cite") == found.of("sfn") == found.of("harvnb") == {"short"}
    assert found.of("cite web") == {"long"}
    assert found.of("a sfn") == found.of("sfn b") == frozenset()


@pytest.mark.parametrize("line", ["just a word", "\tpattern", "kind\t"])
def test_a_line_that_is_no_kind_and_pattern_is_named(line: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"{NAMES_LEXICON}: {line!r} is not a kind")):
        made("cite\tcite.*", line)


def test_a_pattern_that_cannot_be_read_is_named_by_its_kind(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match=r"article_names, kind cite: .*; correct the pattern"):
        made("cite\t(unclosed")
    assert capfd.readouterr().err == "", "RE2 has nothing to add"


def test_remembered_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.features.article.names._MEMO_ENTRIES", 3)
    names = made("cite\tcite.*")
    for i in range(10):
        assert names.of(f"cite {i}") == {"cite"}
    assert len(names._memo) <= 3


def test_equal_lexicons_share_what_is_remembered() -> None:
    one, other = (Lexicon.of(NAMES_LEXICON, ["cite\tcite.*"]) for _ in range(2))
    assert article_names(one) is article_names(other)


def test_half_a_character_is_no_name() -> None:
    assert made("cite\tcite.*").of("\ud800") == frozenset()
