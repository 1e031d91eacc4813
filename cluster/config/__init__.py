"""The configuration file: read, checked, shown, changed."""
