"""The features of ORES's ``enwiki wp10`` list: ORES's own values of real articles, and what those lack."""

from __future__ import annotations

from collections import Counter

import pytest
from scipy.stats import spearmanr

from assay.features.lexicon import shipped
from features.edits import edit, values_called
from features.oracle import ARTICLE_WORD_LIST_FEATURES, needs_word_list, of_articles


def test_features_without_word_lists_equal_the_oracle_on_every_article() -> None:
    different = Counter(
        name
        for name, pairs in of_articles().items()
        if not needs_word_list(name)
        for expected, own in pairs
        if abs(own - expected) > 1e-9
    )
    assert len(of_articles()) == 26
    assert not different


@pytest.mark.parametrize("name", ARTICLE_WORD_LIST_FEATURES)
def test_word_list_features_rank_as_the_oracle_does(name: str) -> None:
    expected, own = zip(*of_articles()[name], strict=True)
    assert spearmanr(expected, own).statistic >= 0.95


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("revision.infobox_templates", "{{Infobox person|x={{infobox a}}}} {{Geobox}} {{ infobox}}", 2),
        ("revision.cn_templates", "{{cn}} {{Fact|x}} {{citation_needed}} {{Citation needed}} {{a cn}}", 4),
        ("revision.who_templates", "{{who}} {{Who?}} {{by whom}}", 2),
        ("main_article_templates", "{{main|A}} {{Main article|B}} {{see main}}", 2),
        ("revision.cite_templates", "{{cite web}} {{Harvnb|A}} {{ cite web}} {{citation}}", 2),
        ("revision.shortened_footnote_templates", "{{sfn|A}} {{Sfnm|A}} {{sfnp}} {{shortfoot}}", 3),
        ("revision.image_template", "{{wide image|a}} {{Tall image}} {{panorama}} {{image}}", 3),
        ("revision.category_links", "[[Category:A]] [[category:B]] [[:Category:C]] [[:A]]", 2),
        ("revision.image_links", "[[File:a.jpg]] [[image:b.png]] [[filename]] [[imagery]] [[:File:c]]", 3),
        ("infobox_images", "{{Infobox a|b=c.JPG|d={{Infobox e|f=g.svg}}}} {{x|h.jpg}} i.jpg", 3),
        ("revision.images_in_templates", "{{gallery|File:a}} {{Multiple image|image1=b|image2=c}} File:d", 3),
        ("revision.images_in_templates", "{{Photomontage|photo1a=a|photo2b=b}} {{image array|image2=c}}", 3),
        ("revision.images_in_tags", "<gallery>\nFile:a|Image:b\n</gallery> <b>File:c</b> File:d", 2),
        ("revision.images_in_tags", "<imagemap>\nImage:a|x\n</imagemap>", 1),
    ],
)  # fmt: skip
def test_names_count_by_how_they_begin(name: str, text: str, expected: int) -> None:
    """A construct within another counts for both; only its own name says what it is."""
    assert values_called([f"feature.enwiki.{name}"], edit(None, text)) == [expected]


def test_nothing_is_found_in_nothing() -> None:
    names = [name for name in of_articles() if name.startswith("feature.enwiki.")]
    assert len(names) > 10
    assert values_called(names, edit(None, "")) == [0] * len(names)


def test_phrases_count_in_the_whole_wikitext() -> None:
    names = [
        f"feature.len(<datasource.english.{list_}.revision.matches>)"
        for list_ in ("words_to_watch", "idioms")
    ]
    lexicons = shipped("english.words_to_watch", "english.idioms")
    assert values_called(names, edit(None, "It is [[by and large|legendary]] {{of course}}."), lexicons) == [
        2,
        1,
    ]
