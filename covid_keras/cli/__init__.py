"""Shell arguments to function calls."""
