"""The daily audit: once a day, and by `audit day`, everything that can be checked again is."""
