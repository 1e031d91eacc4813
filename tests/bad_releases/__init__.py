"""Twelve bad releases on a real fleet: each must do no harm, and say what it was."""
