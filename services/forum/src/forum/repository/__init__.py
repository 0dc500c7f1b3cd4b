"""All SQL of the service, by aggregate."""
