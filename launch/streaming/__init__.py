"""The steps of `launch.stream`: audio, results, display."""
