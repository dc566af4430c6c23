"""Features: audio -> a vector of descriptors for each frame of 10 ms; or ready ones."""
