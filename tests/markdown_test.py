"""Tests of tables in Markdown."""

from paper_experiments.common import markdown


def test_columns_of_numbers_are_aligned():
    assert markdown.aligned([["dB", "68: 15"], ["BM3D", "31.08"]]) == [
        "| dB   | 68: 15 |",
        "|------|-------:|",
        "| BM3D |  31.08 |",
    ]


def test_columns_of_words_are_not():
    assert markdown.narrow([["finding", ""], ["it falls", "yes"]]) == [
        "| finding | |",
        "|---|---|",
        "| it falls | yes |",
    ]
