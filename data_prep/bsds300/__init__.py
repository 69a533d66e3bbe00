"""The Berkeley Segmentation Dataset, BSDS300.

`source` finds, downloads and checks the images; `bsds300_dataset_builder` makes a
TensorFlow dataset of them; `loading` reads either.
"""
