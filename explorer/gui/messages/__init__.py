"""What is said to people, bugs among it, in one place."""
