"""Benchmarks: bounded load on loopback, ratios within one run, medians. `make bench` runs all of them."""
