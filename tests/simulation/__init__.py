"""The whole fleet in one thread from one seed: real machines and shells in a simulated world."""
