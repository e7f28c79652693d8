"""Benchmarks: what the product promises in figures, measured on this machine (`make bench`)."""
