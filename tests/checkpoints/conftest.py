"""Tests that touch a disk have no deadline: a busy machine is no fault of theirs."""

from hypothesis import settings

if settings.get_current_profile_name() == "default":  # a profile that was chosen stays
    settings.register_profile("checkpoints", deadline=None)
    settings.load_profile("checkpoints")
