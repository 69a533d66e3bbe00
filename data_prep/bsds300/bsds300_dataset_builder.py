"""TensorFlow dataset of BSDS300."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from data_prep.bsds300 import source


class Builder(tfds.core.GeneratorBasedBuilder):
    """BSDS300: 200 training and 100 test images with their ids.

    The images have exactly the pixels that Pillow decodes from the JPEG files, so
    that PSNR values can be compared with the literature. They come from
    `manual_dir` where that is laid out as `BSDS300/images/{train,test}`, else
    from the network.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Not needed: the images are downloaded, unless manual_dir holds "
        "BSDS300/images/{train,test}."
    )
    RELEASE_NOTES = {"1.0.0": "Initial release."}  # noqa: RUF012

    def _info(self) -> tfds.core.DatasetInfo:
        # The description is README.md, the citation CITATIONS.bib.
        return self.dataset_info_from_configs(
            homepage="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/",
            features=tfds.features.FeaturesDict(
                {
                    "id": tfds.features.Text(),
                    # PNG keeps the pixels, whoever decodes them.
                    "image": tfds.features.Image(
                        shape=(None, None, 3), encoding_format="png"
                    ),
                }
            ),
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Any]:
        folder = _manual_images(dl_manager) or source.download(dl_manager.download_dir)
        return {
            split: self._generate_examples(folder, split) for split in source.NUM_IMAGES
        }

    def _generate_examples(self, folder: Path, split: str) -> Iterator[tuple]:
        for image_id, image in source.read_split(folder, split).items():
            yield int(image_id), {"id": image_id, "image": image}


def _manual_images(dl_manager: tfds.download.DownloadManager) -> Path | None:
    try:
        return source.find_images(dl_manager.manual_dir)
    except AssertionError:
        # This is how TFDS says that there is no such folder.
        return None
