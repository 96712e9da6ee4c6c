"""Looking into a trained model: Grad-CAM maps and t-SNE of its features."""

from covid_keras.explain.gradcam import gradcam
from covid_keras.explain.tsne import tsne

__all__ = ["gradcam", "tsne"]
