"""Values: which ones a handler is given, what is the same as what, and how they are told."""
