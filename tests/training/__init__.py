"""Tests of `rim_tf.training`."""
