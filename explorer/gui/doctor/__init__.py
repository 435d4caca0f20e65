"""The checkpoint doctor: what was found in a file, what was guessed, and a picture that changes with each choice."""
