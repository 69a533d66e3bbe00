"""Recurrent inference machines for solving inverse problems.

A reproduction of Putzky and Welling (2017), arXiv:1706.04008.

Example:

    import rim_tf

    model = rim_tf.load_pretrained("rim_denoise")
    restored = rim_tf.restore(model, noisy, rim_tf.Denoising(), sigma=25 / 255)
"""

import os

# TensorFlow's remarks about devices, which it makes when it first computes something.
# Errors that matter come as exceptions.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from rim_tf import bicubic, forward_models, images, links, metrics
from rim_tf.forward_models import Denoising, ForwardModel
from rim_tf.likelihood import LogLikelihood
from rim_tf.pictures import show_estimates
from rim_tf.pretrained import load_pretrained, save_pretrained
from rim_tf.restoration import iterate, restore
from rim_tf.rim import RIM
from rim_tf.speed import precision
from rim_tf.trajectory import show_trajectory

__all__ = [
    "RIM",
    "Denoising",
    "ForwardModel",
    "LogLikelihood",
    "bicubic",
    "forward_models",
    "images",
    "iterate",
    "links",
    "load_pretrained",
    "metrics",
    "precision",
    "restore",
    "save_pretrained",
    "show_estimates",
    "show_trajectory",
]
