"""Tests of `rim_tf.forward_models`."""
