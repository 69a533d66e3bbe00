"""All that is there only to be fast; nothing here changes a result but by rounding."""
