"""The shapes of answers, and how they come from the services' messages."""
