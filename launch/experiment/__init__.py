"""A run of launch.main, from its settings to its files."""
