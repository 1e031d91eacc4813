"""Silent failures staged on a real fleet: each must be an alarm within its stated time."""
