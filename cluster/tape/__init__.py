"""What a folder of recorded market data lacks."""
