"""Figures of the fleet for Prometheus: the table, what each is now, how Ray publishes them."""
