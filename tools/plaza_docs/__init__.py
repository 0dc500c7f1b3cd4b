"""The documents that are generated from the code, one module each."""
