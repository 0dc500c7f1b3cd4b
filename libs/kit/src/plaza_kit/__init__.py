"""What every Plaza process shares. Import the modules; the package itself exports nothing."""
