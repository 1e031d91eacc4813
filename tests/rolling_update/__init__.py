"""Real rolls: a fleet on a real Ray head, the sandbox as its venue, the judge at the end."""
