"""Hours by project."""
