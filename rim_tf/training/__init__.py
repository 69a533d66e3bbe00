"""Training a RIM: patches, the loop over updates, and what is kept of it."""
