"""Asks mypy what it thinks of handler classes, and puts its answer in the words of the static rules.

mypy reads the author's module as it is on disk, with two differences that never touch the disk: comments that would
silence it are gone, and a probe is appended that uses the class as an engine would. A shadow file carries both, so that
lines keep their numbers, and so that any class of the module can be named, private or nested.
"""
