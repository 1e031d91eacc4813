"""Bad releases on a real fleet: each must do no harm, be taken back, and be named by an alarm."""
