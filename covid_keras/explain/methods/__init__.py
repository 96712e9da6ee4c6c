"""Methods that map the evidence for a class: one module a method, listed in `runs.map_methods`.

A module has a function `maps(batch)`, from a `covid_keras.explain.scorer.Batch` to float32 maps
(B, h, w) of any size: positive where the image speaks for the class, negative where it speaks
against it, if the method can tell.
"""
