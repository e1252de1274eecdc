"""What the tests of the reference share."""

from hypothesis import settings

# A slow machine is no failure.
settings.register_profile("reference", deadline=None)
settings.load_profile("reference")
