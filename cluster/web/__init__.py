"""The console: pages about one fleet for a browser on this machine, and the buttons that stop it.

It calls the functions that the commands call, decides nothing and keeps nothing that matters.
"""
