"""What runs a fleet on a server and looks at it from outside: Prometheus, systemd, a container."""
