"""Keys at rest and secrets in texts: the only place that encrypts, decrypts and redacts."""
