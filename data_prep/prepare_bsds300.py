"""Prepares BSDS300 as a TensorFlow dataset, from the network or a local folder.

python data_prep/prepare_bsds300.py
python data_prep/prepare_bsds300.py --source_dir=/folder/that/holds/BSDS300
"""

import sys
from collections.abc import Sequence

from absl import app, flags

from data_prep.bsds300 import loading, source

_SOURCE_DIR = flags.DEFINE_string(
    "source_dir",
    None,
    "Folder laid out as BSDS300/images/{train,test}; downloads if not given.",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", loading.DEFAULT_DATA_DIR, "TFDS directory to write to."
)


def main(argv: Sequence[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}.")
    try:
        builder = loading.prepare(_DATA_DIR.value, _SOURCE_DIR.value)
    except source.SourceError as error:
        sys.exit(
            f"error: {error} --source_dir takes a folder that holds "
            "BSDS300/images/{train,test}, --data_dir one that can be written to."
        )
    numbers = [f"{k}: {v.num_examples} images" for k, v in builder.info.splits.items()]
    print(f"BSDS300 is ready in {builder.data_dir} ({', '.join(numbers)}).")


if __name__ == "__main__":
    app.run(main)
