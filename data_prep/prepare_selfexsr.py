"""Downloads the small images that MATLAB made of BSDS-300's test images.

python data_prep/prepare_selfexsr.py --output_dir=FOLDER

Then `table3_super_resolution.py --lr_dir=FOLDER` tests on them. Without them it makes
its own, which are the same bit by bit.
"""

import sys
from collections.abc import Sequence

from absl import app, flags

from data_prep.selfexsr import source

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "SelfExSR_BSD100_LR", "Folder to write x2, x3 and x4 to."
)


def main(argv: Sequence[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}.")
    try:
        number = source.download(_OUTPUT_DIR.value)
    except (source.SourceError, OSError) as error:
        sys.exit(
            f"error: {error} Small images are not needed: without --lr_dir "
            "table3_super_resolution.py makes the same ones."
        )
    print(f"{number} images are in {_OUTPUT_DIR.value}.")


if __name__ == "__main__":
    app.run(main)
