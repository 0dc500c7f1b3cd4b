"""Plaza's HTTP edge."""
