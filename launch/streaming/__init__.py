"""What `launch.stream` is made of."""
