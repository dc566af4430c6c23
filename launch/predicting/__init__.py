"""The steps of `launch.predict`: inputs, features, classes, output."""
