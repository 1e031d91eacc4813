"""What the market looks like -> what to do. Pure: no Ray, clock, I/O, randomness, environment."""
