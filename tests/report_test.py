"""Tests of the page about all claims."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from paper_experiments.common import report
from paper_experiments.common.claims import Again, Claim
from paper_experiments.common.report import Report

_CLAIMS = [
    Claim(
        "Table <1>", "1.00 dB", "2.00 dB", "shipped", True, Path("/a/b/c.json"), "ab"
    ),
    Claim("Table 2", "3.00 dB", "1.00 dB", "shipped", False, Path("/a/b/d.json"), "cd"),
]
_SAME, _OTHER = Again("image a", 30.0, 30.02, 0.03), Again("image b", 30.0, 30.04, 0.03)


class _Reader(HTMLParser):
    """Collects the words of a page, classes by what they stand at, and open tags."""

    def __init__(self, text):
        super().__init__()
        self.words, self.colors, self.open, self.links = [], {}, [], []
        self._color = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [attributes["href"]] if "href" in attributes else []
        assert "src" not in attributes
        if tag != "meta":
            self.open.append(tag)
        if tag in ("tr", "p"):
            self._color = attributes.get("class")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        self.colors[data] = self._color


@pytest.mark.parametrize("again", [[], [_SAME], [_SAME, _OTHER]])
def test_begins_with_how_many_are_reproduced(again):
    page = Report(_CLAIMS, again, [], ["Figure 6."], "abc")
    for text in (report.to_markdown(page), report.to_html(page)):
        first = text.index("Reproduced: 1 of 2 claims.")
        assert first < text.index("Measured now") < text.index("Read, of what was")
        assert text.index("Read, of what was") < text.index("Not checked")
        assert "Written by commit abc." in text
        assert ("DIFFERS: 1 of 2 values" in text) == (len(again) == 2)
        assert ("Nothing: --quick" in text) == (not again)
    assert page.is_red == (len(again) == 2)


def test_a_script_that_failed_makes_the_page_red():
    page = Report(_CLAIMS, [_SAME], ["table2.py: no space"], [], None)
    assert page.is_red
    text = report.to_markdown(page)
    assert "table2.py: no space" in text
    assert (
        "0 of 1 values that were measured now are not those of before, 1 could" in text
    )
    assert "commit unknown" in text


def test_html_is_well_formed_and_coloured():
    page = Report(_CLAIMS, [_SAME, _OTHER], [], ["Figure 6."], "abc")
    reader = _Reader(report.to_html(page))
    assert reader.open == []
    assert "Table <1>" in reader.words
    assert reader.links == ["file:///a/b/c.json", "file:///a/b/d.json"]
    for words, color in (
        ("reproduced", "green"),
        ("NOT REPRODUCED", "red"),
        ("agrees", "green"),
        ("DIFFERS", "red"),
        ("claim", None),
        ("Figure 6.", None),
    ):
        assert reader.colors[words] == color, words
    (line,) = (words for words in reader.words if words.startswith("DIFFERS: "))
    assert reader.colors[line] == "red"


def test_markdown_has_tables():
    lines = report.to_markdown(Report(_CLAIMS, [_OTHER], [], [], "abc")).splitlines()
    (row,) = (line for line in lines if line.startswith("| image b"))
    assert row == "| image b | 30.000 | 30.040 | 0.03 | DIFFERS |"
    before = lines.index(row) - 1
    assert set(lines[before]) == {"|", "-"}
    assert any("[c.json](file:///a/b/c.json)" in line for line in lines)
