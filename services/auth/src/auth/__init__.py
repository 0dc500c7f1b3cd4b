"""Plaza's accounts: sign-in, sessions, profiles and resumes."""
