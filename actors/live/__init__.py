"""The switch to real orders: what a person confirms, and what refuses without it."""
