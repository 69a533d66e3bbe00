"""Tests of the TFDS builder, on images drawn for the purpose."""

import tensorflow_datasets as tfds

from data_prep.bsds300 import bsds300_dataset_builder


class Bsds300Test(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = bsds300_dataset_builder.Builder
    SPLITS = {"train": 3, "test": 2}  # noqa: RUF012
    # Nothing is fetched by TFDS itself: our own checksums are per image.
    SKIP_CHECKSUMS = True


if __name__ == "__main__":
    tfds.testing.test_main()
