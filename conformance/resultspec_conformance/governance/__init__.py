"""What a project lays down: its handlers, the rules that it locks, the references that it keeps."""
