"""Handlers of many kinds, to try the suite on."""
