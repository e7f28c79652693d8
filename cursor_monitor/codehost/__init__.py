"""The code host's API, and the only client of it."""
