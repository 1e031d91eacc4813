"""The state of the fleet as people see it: pages, tables, one line at the end."""
