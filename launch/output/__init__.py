"""What all programs write: the terminal, pictures, where results come from."""
