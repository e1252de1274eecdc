"""Trials: a subject on a bench, the handlers made for it, and what they are asked to do."""
