"""What compare.py does: two results side by side."""
