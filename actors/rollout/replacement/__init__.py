"""Replacing one actor that all slots share: a pure machine and its shell."""
