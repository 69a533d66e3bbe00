"""Tests of the tables in the document, and of the bar chart."""

import pytest

from paper_experiments.choices import document, groups, summary
from paper_experiments.choices.measurement import Row
from paper_experiments.choices.steps import DENOISING
from paper_experiments.choices.summary import Effect, Line, Numbers
from paper_experiments.common.errors import UserError

_VALUES = {
    Row("ours", DENOISING, "baseline"): {"1": 25.0, "2": 30.0},
    Row("clip", DENOISING, "baseline"): {"1": 24.0, "2": 29.0},
}
_NUMBERS = Numbers(_VALUES, {}, {}, {})
_TEXT = "# Title\n" + "".join(
    f"\n## {group}\n\n<!-- protocol: {group} -->\nmade before\n<!-- end -->\n\nAfter.\n"
    for group in groups.ALL
)


def test_tables_take_the_place_of_what_was_there():
    made = document.fill(_TEXT, _NUMBERS)
    assert "made before" not in made
    assert "| noisy image clipped to [0, 1] | -1.00 ± 0.00 | 2 |  |\n" in made
    assert made.count("After.") == made.count("<!-- end -->") == len(groups.ALL)
    # Made again it is the same.
    assert document.fill(made, _NUMBERS) == made


def test_a_document_without_the_marker_lines_is_refused():
    with pytest.raises(UserError, match="one line <!-- protocol: noise -->"):
        document.fill(_TEXT.replace("protocol: noise", "protocol: nothing"), _NUMBERS)


def test_chart_shows_the_largest_first(tmp_path, drawn):
    lines = {
        "a": [
            _line("small", DENOISING, 0.1, -0.2),
            _line("ssim", DENOISING, 5, 5)._replace(metric="ssim"),
        ],
        "b": [
            _line("large", DENOISING, -3.0, 0.1),
            _line("small images", "x2", 0.3, -1.0),
            Line("nothing", "", {}),
        ],
    }
    document.save_chart(lines, tmp_path / "choices.png")
    (figure,) = drawn
    names = [[t.get_text() for t in axis.get_yticklabels()] for axis in figure.axes]
    assert names == [["large", "small"], ["small images"]]
    bars = [[bar.get_width() for bar in axis.patches] for axis in figure.axes]
    assert bars == [[-3.0, 0.1, 0.1, -0.2], [0.3, -1.0]]
    assert (tmp_path / "choices.png").exists()


def _line(what, condition, baseline, network):
    effects = {"baseline": baseline, "network": network}
    return Line(
        what, "", {(condition, m): Effect(c, 0.1, 3) for m, c in effects.items()}
    )


def test_the_document_shows_what_is_in_the_files():
    if not (summary.FOLDER / "bsds300.json").exists():
        pytest.skip("nothing was kept yet")
    text = document.PATH.read_text()
    assert document.fill(text, summary.load("bsds300")) == text
