"""Tests that bad input ends with one line, in seconds, and harms nothing.

RIM_TF_STRESS_INPUTS is how many inputs are drawn over all groups; Hypothesis draws the
same ones each time.
"""

import collections
import math
import os
import shutil
import time

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.stress import outcomes
from tests.stress.bad_input import commands, networks, pictures, results, shared

_NUM_INPUTS = int(os.environ.get("RIM_TF_STRESS_INPUTS", "1000"))


@pytest.fixture(name="intact", scope="session")
def _intact(tmp_path_factory):
    return shared.Intact(tmp_path_factory.mktemp("intact"))


# In proportion.
_GROUPS = {
    commands.flags_of_rim_restore: 80,
    commands.paths_of_rim_restore: 40,
    pictures.damaged_images: 90,
    pictures.cut_images: 60,
    pictures.declared_sizes: 80,
    pictures.odd_tiffs: 60,
    pictures.masks_and_kernels: 80,
    pictures.folders_and_links: 50,
    commands.flags_of_tables: 70,
    commands.flags_of_training: 60,
    networks.damaged_trainings: 40,
    networks.damaged_weights: 50,
    networks.strange_weights: 40,
    networks.descriptions: 70,
    networks.whole_models: 40,
    results.results: 80,
    commands.files_with_code: 40,
    results.archives: 50,
    networks.restorations: 80,
}
_NAMES = [group.__name__ for group in _GROUPS]


@pytest.mark.parametrize("group", _GROUPS, ids=_NAMES)
def test_bad_input(group, intact, tmp_path):
    number = math.ceil(_GROUPS[group] * _NUM_INPUTS / sum(_GROUPS.values()))
    seen, failures, longest = collections.Counter(), [], 0.0

    @hypothesis.settings(
        max_examples=number,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        # What fails is told by its folder; to look for less takes hundreds of runs.
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(st.data())
    def draw_and_run(data):
        nonlocal longest
        folder = tmp_path / f"{sum(seen.values()):04d}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        case = group(data.draw, folder, intact)
        begun = time.monotonic()
        try:
            outcome = outcomes.run(case, folder)
        except AssertionError as error:
            outcome = "failed"
            failures.append(f"{folder}: {error}")
        seen[outcome] += 1
        longest = max(longest, time.monotonic() - begun)
        if outcome != "failed":
            shutil.rmtree(folder)

    begun = time.monotonic()
    draw_and_run()
    seconds = time.monotonic() - begun
    print(f"{group.__name__}: {dict(seen)}, {seconds:.0f} s, longest {longest:.1f} s")
    if failures:
        print("\n\n".join(failures), flush=True)
    assert not failures, f"{len(failures)} of {number}"
