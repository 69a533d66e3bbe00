"""What the scripts of this folder's parent share."""
