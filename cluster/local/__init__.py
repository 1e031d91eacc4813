"""A fleet on one machine: the processes, their folder, their start and their end."""
