"""Tests of `rim_tf.speed`."""
