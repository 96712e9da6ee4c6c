"""Class activation maps and features."""
