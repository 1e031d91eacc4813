"""A release's shared actors on a scratch stage, before they serve: recorded inputs, no venue."""
