"""The terminal: options, text from outside made safe, errors, Ctrl-C."""
