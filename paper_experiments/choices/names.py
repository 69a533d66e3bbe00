"""Names of the groups; apart, since a script's flags are read before Keras."""

GROUPS = ("images", "noise", "measure", "small_images", "restoring")
