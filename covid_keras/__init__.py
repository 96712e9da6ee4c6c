"""COVID-19 classifiers for chest CT and X-ray by transfer learning. Not a medical device."""

__version__ = "0.1.0"
