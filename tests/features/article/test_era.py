"""An article's own time, from the years in its text."""

from __future__ import annotations

import pytest

from assay.features.article.era import analyse


def test_a_text_without_years_has_no_era() -> None:
    found = analyse("Founded in 1066, rebuilt in 1999 by 2000 people.")
    assert (found.latest_year, found.frequent_year, found.latest_access, found.median_access) == (
        None,
        None,
        None,
        None,
    )
    assert (found.mentions_0, found.mentions_4, found.access_dates, found.language_links) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("text", "latest"),
    [
        ("2000 2001", 2001),
        ("2040 2041", 2040),
        ("2014 2012", 2014),
        ("x2014 20141 1812014", None),
        ("in 2012–2014.", 2014),
    ],
)
def test_the_latest_year_is_one_of_this_century_that_may_have_been_reached(
    text: str, latest: int | None
) -> None:
    assert analyse(text).latest_year == latest


def test_mentions_go_back_year_by_year_from_the_latest() -> None:
    found = analyse("2003 2003 2002 2001 2001 2001 2000 1999 1999 1998")
    assert (found.mentions_0, found.mentions_1, found.mentions_2, found.mentions_3, found.mentions_4) == (
        2,
        1,
        3,
        1,
        2,
    )


def test_a_frequent_year_is_mentioned_three_times() -> None:
    assert analyse("2010 2010 2010 2011 2011 2012").frequent_year == 2010
    assert analyse("2010 2010 2010 2011 2011 2011 2012").frequent_year == 2011
    assert analyse("1999 1999 1999 2012").frequent_year is None
    assert analyse("2010 2010").frequent_year is None


def test_dates_of_access_in_several_languages() -> None:
    found = analyse(
        "{{cite web|access-date=3 May 2012}} {{cite web|accessdate = 2009-01-01|x=2030}}"
        "{{lien web|consulté le=1 mai 2015}} {{cite|ACCESSYEAR=2008}} {{cite|дата обращения=2010}}"
    )
    assert found.access_dates == 5
    assert (found.latest_access, found.median_access) == (2015, 2010)


def test_of_two_middle_dates_of_access_the_later_is_taken() -> None:
    text = "|accessdate=2005 |accessdate=2011"
    assert analyse(text).median_access == 2011


def test_a_date_of_access_ends_with_its_field() -> None:
    assert analyse("|accessdate=\n|year=2012").access_dates == 0
    assert analyse("|accessdate=|year=2012").access_dates == 0
    assert analyse("|accessdate=}} 2012").access_dates == 0
    assert analyse("|accessdate=1999").access_dates == 0


def test_links_to_other_languages_are_counted_once_each() -> None:
    text = "[[fr:Ada]] [[fr:Ada]] [[de:Ada]] [[simple:Ada]] [[zh-min-nan:Ada]] [[be-x-old:Ada]]"
    assert analyse(text).language_links == 5
    assert analyse("[[File:A.jpg]] [[Ada]] [[fr:]] [[:fr:Ada]] [[fr:A\nda]]").language_links == 0
