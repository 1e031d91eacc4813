"""What each page shows, as values: made of what the commands read, laid out by the templates."""
