"""Tests of what a denoising table measures."""

from paper_experiments.common.conditions import DenoisingTable


def test_rows_are_named_as_on_the_command_line():
    table = DenoisingTable(
        color="gray",
        sigmas=(25,),
        quantized=True,
        weights={"RIM (ours)": "rim_denoise_quantized", "RIM-3task": "rim_3task"},
    )
    assert table.rows == ["RIM", "RIM-3task"]
