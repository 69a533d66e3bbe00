"""Tests of what imports what: the rules hold, and would be seen to be broken."""

from pathlib import Path

import pytest

from tests import imports
from tests.imports import LIBRARY_RULES, RULES, SCRIPT_RULES, Source

_ROOT = Path(__file__).parents[1]

# Rule: modules that break it, and others that do not.
_BROKEN = {
    "the library knows no scripts, data and flags": [
        ("rim_tf.rim", "from absl import flags"),
        ("rim_tf.rim", "import absl.flags as f"),
        ("rim_tf.training.loop", "def f():\n    import data_prep"),
        ("rim_tf.files", "from paper_experiments.common import run"),
        ("rim_tf.files", "from ..paper_experiments import train"),
        ("rim_tf.files", "from paper_experiments.rim_restore import picture"),
    ],
    "equations know neither training nor speed": [
        ("rim_tf.rim", "from rim_tf import restoration"),
        ("rim_tf.rim", "from . import restoration"),
        ("rim_tf.links", "from rim_tf.speed import fused"),
        ("rim_tf.losses", "import rim_tf.training.loop as loop"),
        ("rim_tf.likelihood", "import rim_tf"),
        ("rim_tf.problems", "from rim_tf import RIM"),
        ("rim_tf.forward_models.blur", "from ..speed.backend import compile_method"),
    ],
    "cells know of speed the convolution and the fused parts": [
        ("rim_tf.cells", "from rim_tf.speed import fused, precision"),
        ("rim_tf.cells", "from rim_tf.speed.windows import in_windows"),
        ("rim_tf.cells", "import rim_tf.training"),
    ],
    "speed knows nothing else": [
        ("rim_tf.speed.fused", "from rim_tf import arguments"),
        ("rim_tf.speed.fused", "from ..arguments import fits"),
        ("rim_tf.speed.windows", "import rim_tf"),
    ],
    "few ask about the backend": [
        ("rim_tf.rim", "if keras.backend.backend() == 'jax':\n    pass"),
        ("rim_tf.rim", "from keras.backend import backend"),
        ("rim_tf.rim", "from keras import backend\nbackend.backend()"),
        ("rim_tf.rim", "keras.config.backend()"),
        ("rim_tf.training.loop", "precision.has_gpu()"),
        ("rim_tf.training.loop", "from rim_tf.speed.precision import has_gpu"),
    ],
    "few scripts ask about the backend": [
        ("paper_experiments.train", "from a import precision as p\np.has_gpu()"),
        ("paper_experiments.common.table", "keras.backend.backend()"),
    ],
    "data take of the library images and files only": [
        ("data_prep.prepare", "from rim_tf import images, metrics"),
        ("data_prep.bsds300.source", "import rim_tf"),
    ],
    "optional packages are imported where they are used": [
        ("rim_tf.speed.backend", "import jax"),
        (
            "rim_tf.training.callbacks",
            "if a:\n    import tensorboard",
        ),
        ("paper_experiments.table2", "from torch.nn import functional"),
        ("paper_experiments.baselines", "import bm3d"),
        ("data_prep.bsds300.source", "class A:\n    import cv2"),
    ],
    "what scripts share knows no script": [
        ("paper_experiments.common.table", "from paper_experiments import train"),
        ("paper_experiments.common.table", "from .. import recipes"),
        ("paper_experiments.figure3.findings", "import paper_experiments.table2 as t"),
        ("paper_experiments.unseen.problems", "from paper_experiments import table2"),
    ],
    "no script knows another": [
        ("paper_experiments.table2", "from paper_experiments import table3"),
        ("paper_experiments.table2", "from paper_experiments.train import main"),
        ("paper_experiments.figure3_three_task", "from . import recipes"),
        ("paper_experiments.recipes", "def f():\n    from . import train"),
    ],
    "the training knows recipes, but no other script": [
        ("paper_experiments.train", "from paper_experiments import recipes, table2"),
    ],
    "what scripts share defines no flags": [
        ("paper_experiments.common.table", "flags.DEFINE_string('a', 'b', 'c')"),
        ("paper_experiments.recipes", "x = absl.flags.DEFINE_integer('a', 1, 'c')"),
        ("paper_experiments.figure3.findings", "DEFINE_enum('a', 1, [], 'c')"),
    ],
}
_KEPT = [
    ("rim_tf.rim", "from rim_tf import cells, links\nimport keras"),
    ("rim_tf.problems", "from rim_tf.forward_models import Denoising"),
    ("rim_tf.cells", "from rim_tf.speed import fused, winograd"),
    ("rim_tf.speed.fused", "from rim_tf.speed import precision\nprecision.has_gpu()"),
    ("rim_tf.speed.fused", "keras.backend.backend()"),
    ("rim_tf.speed.backend", "def f():\n    import jax.numpy as jnp"),
    ("rim_tf.training.callbacks", "class A:\n    def f(self):\n        import torch"),
    ("paper_experiments.baselines.bm3d", "import bm3d"),
    ("rim_tf.training.devices", "keras.backend.backend()"),
    ("rim_tf.training.loop", "from rim_tf.speed import backend\nbackend.compile_x()"),
    (
        "rim_tf.likelihood",
        "import typing\nif typing.TYPE_CHECKING:\n    from rim_tf import training",
    ),
    ("rim_tf.rim", "keras.backend.standardize_dtype(x)"),
    ("data_prep.prepare", "from absl import flags\nflags.DEFINE_string('a')"),
    ("data_prep.prepare", "from rim_tf.images import read_image\nimport rim_tf.files"),
    ("paper_experiments.train", "from paper_experiments import recipes"),
    ("paper_experiments.train", "flags.DEFINE_string('a', 'b', 'c')"),
    ("paper_experiments.table2", "from paper_experiments.common import run"),
    ("paper_experiments.table2", "from paper_experiments.figure3 import findings"),
    ("paper_experiments.common.run", "flags.DEFINE_string('a', 'b', 'c')"),
    ("paper_experiments.common.run", "keras.backend.backend()"),
    ("paper_experiments.figure3.findings", "from ..common import run"),
    (
        "paper_experiments.unseen.methods",
        "from paper_experiments.unseen import problems",
    ),
]
_MODULES = [
    *("data_prep", "paper_experiments", "rim_tf"),
    *(f"paper_experiments.{name}" for name in ("common", "common.run", "figure3")),
    *(f"paper_experiments.{name}" for name in ("recipes", "table2", "table3", "train")),
    "paper_experiments.figure3.findings",
    *(f"paper_experiments.unseen.{name}" for name in ("methods", "problems")),
    *(f"rim_tf.{name}" for name in ("cells", "files", "images", "links", "metrics")),
    *(f"rim_tf.{name}" for name in ("arguments", "restoration", "speed", "training")),
    *(f"rim_tf.speed.{name}" for name in ("backend", "fused", "precision", "winograd")),
]


@pytest.mark.parametrize("name", LIBRARY_RULES)
def test_rule_of_the_library_holds(name):
    assert imports.violations(RULES[name], imports.read_sources(_ROOT)) == []


@pytest.mark.skipif(
    not (_ROOT / "paper_experiments" / "common").is_dir(),
    reason="scripts and what they share are in one folder",
)
@pytest.mark.parametrize("name", SCRIPT_RULES)
def test_rule_of_the_scripts_holds(name):
    assert imports.violations(RULES[name], imports.read_sources(_ROOT)) == []


def _violations(name, module, text):
    others = [Source(other, "") for other in _MODULES if other != module]
    return imports.violations(RULES[name], [Source(module, text), *others])


@pytest.mark.parametrize(
    ("name", "module", "text"),
    [(name, *case) for name, cases in _BROKEN.items() for case in cases],
)
def test_broken_rule_is_seen(name, module, text):
    (violation,) = _violations(name, module, text)
    assert violation.startswith(f"{module}:")


def test_every_rule_is_seen_to_be_broken():
    assert set(_BROKEN) == set(RULES)


@pytest.mark.parametrize(("module", "text"), _KEPT)
def test_kept_rules_are_not_called_broken(module, text):
    assert not any(_violations(name, module, text) for name in RULES)


def test_violation_names_the_line():
    text = "import keras\n\n\ndef f():\n    import absl"
    (violation,) = _violations(next(iter(RULES)), "rim_tf.rim", text)
    assert violation == "rim_tf.rim:5: absl"


def test_packages_import_relative_to_themselves():
    source = Source("rim_tf.speed", "from . import fused\nfrom ..x import y", True)
    known = frozenset(["rim_tf.speed.fused"])
    names = [use.what for use in imports.imports(source, known)]
    assert names == ["rim_tf.speed.fused", "rim_tf.x"]


def test_what_is_for_type_checkers_has_an_other_branch():
    text = "if TYPE_CHECKING:\n    import a\nelse:\n    import b"
    (use,) = imports.imports(Source("c", text), frozenset())
    assert use.what == "b"


def test_reads_all_modules_of_the_library():
    names = {source.name for source in imports.read_sources(_ROOT)}
    assert {"rim_tf", "rim_tf.rim", "rim_tf.speed.fused", "data_prep"} <= names
    assert not any("test" in name.rpartition(".")[2] for name in names)
