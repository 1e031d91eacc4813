"""The way in: a plan that people can read, an approval of exactly that plan, and its use, once."""
