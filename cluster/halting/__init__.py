"""Stop all trading and prove with the venue that nothing of the account rests there."""
