"""The steps of `launch.stream`: audio, display."""
