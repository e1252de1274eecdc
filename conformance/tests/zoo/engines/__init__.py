"""Small engines, and the drivers by which the suite runs them."""
