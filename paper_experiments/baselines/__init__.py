"""Rival methods, a file each: `restore(observation, sigma, forward_model)`.

A script measures one with `--method=NAME`, the name of a file here, or a user's own
with `--method=FILE.py`. A file says in its first lines what it is, and has

* `restore(observation, sigma, forward_model)`, which returns the estimate.
  `observation` is `(height, width, channels)` float32, of denoising in [0, 1] but for
  the noise; `sigma` is the noise's standard deviation in the same unit;
  `forward_model` is a `rim_tf.ForwardModel`, which takes batches:
  `forward_model.adjoint(observation[None])[0]`. The estimate has the shape of the image
  that is looked for, on the scale from 0 to 1, and need not be clipped. A method that
  is not for the forward model raises a `NotImplementedError`;
* `NAME`, what its row is called; that of the file if there is none.
"""
