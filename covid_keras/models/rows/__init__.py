"""The rows of the table of networks, one module a family. Imports neither Keras nor TensorFlow."""
