"""Forward models that no model saw: what they are, and what restores their images."""
