"""What `launch.predict` is made of."""
