"""Other processes: fresh interpreters, writers that are killed, and their system calls."""
