"""The forms of a report that are written to files: JSON, JUnit, HTML and a badge."""
