"""Maps of the evidence for a class, and the features of a network in two dimensions."""

METHODS = {
    "gradcam": "gradcam",
    "gradcam++": "gradcam_plus_plus",
    "layercam": "layercam",
    "scorecam": "scorecam",
    "occlusion": "occlusion",
    "integrated-gradients": "integrated_gradients",
    "smoothgrad": "smoothgrad",
}
"""{name of a method: its module in `explain.methods`}."""
