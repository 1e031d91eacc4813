"""One checkpoint of each past release, which today's code must still read, up and down."""
