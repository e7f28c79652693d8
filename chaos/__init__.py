"""Fault runs: the whole product at work while everything around it breaks, and the proof that nothing went wrong."""
