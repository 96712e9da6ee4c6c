"""What is wrong with a dataset before anything is trained on it: leaks, shortcuts and labels."""
