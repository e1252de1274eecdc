"""Results, and what stands for their absence, written in as many ways as there are."""
