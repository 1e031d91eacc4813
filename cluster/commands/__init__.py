"""One file per command group; each defines `command`."""
