"""What an exported model gives where vladser is not, next to what its bundle gives."""
