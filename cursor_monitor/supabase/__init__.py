"""Supabase's sign-in, and the only client of it: who somebody is, and that the project says so."""
