"""Figures, the HTML page and the model card of a run. Import from its modules:

figures (confusion_matrix_figure, learning_curves, roc_figure, tsne_figure), panels (GradcamPanel,
gradcam_rows), html (write_report) and card (write_card). Nothing here needs TensorFlow.
"""
