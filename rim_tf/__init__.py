"""Recurrent inference machines for solving inverse problems.

A reproduction of Putzky and Welling (2017), arXiv:1706.04008.

Example:

    import rim_tf

    model = rim_tf.load_pretrained("rim_denoise")
    restored = rim_tf.restore(model, noisy, rim_tf.Denoising(), sigma=25 / 255)
"""

from rim_tf import bicubic, forward_models, images, metrics
from rim_tf.forward_models import Denoising, ForwardModel
from rim_tf.pretrained import load_pretrained
from rim_tf.restoration import restore
from rim_tf.rim import RIM
from rim_tf.speed import precision

__all__ = [
    "RIM",
    "Denoising",
    "ForwardModel",
    "bicubic",
    "forward_models",
    "images",
    "load_pretrained",
    "metrics",
    "precision",
    "restore",
]
