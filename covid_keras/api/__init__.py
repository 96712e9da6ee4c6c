"""The public verbs: they join the rooms below."""
