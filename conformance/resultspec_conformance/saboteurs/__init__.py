"""Saboteurs: what breaks one rule of a correct subject, to prove that the suite notices."""
