"""What hosts say: taking it in, and what follows from it."""
