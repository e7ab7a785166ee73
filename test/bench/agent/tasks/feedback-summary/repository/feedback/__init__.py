"""What visitors say."""
