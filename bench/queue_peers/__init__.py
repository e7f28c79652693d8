"""Other queues on Postgres, each driven by its own words and at its best, from a virtual environment of its own."""
