"""Methods that map the evidence for a class: one module a method, listed in `explain.METHODS`.

A module has the constants TITLE, CITATION and FEATURES (whether it needs a feature map), and a
function `maps(batch)`, from a `covid_keras.explain.scorer.Batch` to float32 maps (B, h, w) of any
size: positive where the image speaks for the class, negative where it speaks against it, if the
method can tell.
"""
