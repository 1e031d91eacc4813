"""Five exchanges on loopback, each in its own format, fed by the sandbox's prices at one clock."""
