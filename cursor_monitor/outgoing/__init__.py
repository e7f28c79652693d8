"""The ways out to people: webhooks and mail, and which addresses may be reached."""
