"""Many runs of one recipe, and the paper's table beside ours."""
