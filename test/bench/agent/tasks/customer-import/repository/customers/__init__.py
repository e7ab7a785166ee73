"""Customer lists."""
