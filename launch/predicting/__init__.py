"""The steps of `launch.predict`: inputs, features, predictions."""
