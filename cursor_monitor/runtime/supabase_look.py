"""What `doctor` finds out about the sign-in with Supabase."""

from __future__ import annotations

from cursor_monitor.settings import Settings


class SupabaseWrong(Exception):
    """What is wrong, and how to mend it."""

    def __init__(self, detail: str, mend: str) -> None:
        super().__init__(detail)
        self.finding = (detail, mend)


def look_at_supabase(settings: Settings) -> str:
    """Whether people can sign in with the project, and how well it guards them; SupabaseWrong otherwise."""
    from cursor_monitor.supabase.client import SupabaseAuth
    from cursor_monitor.supabase.errors import SupabaseError
    from cursor_monitor.supabase.tokens import usable_keys

    client = SupabaseAuth(settings.supabase_url or "", settings.supabase_anon_key or "")
    try:
        facts, keys = client.facts(), usable_keys(client.keys())
    except SupabaseError as error:
        raise SupabaseWrong(error.message, "check SUPABASE_URL and SUPABASE_ANON_KEY, and the network") from None
    finally:
        client.close()
    if not facts.has_email:
        raise SupabaseWrong("signs nobody in by e-mail", "turn on the e-mail provider of the project")
    if not keys and settings.supabase_jwt_secret is None:
        mend = "rotate the project to signing keys, or set SUPABASE_JWT_SECRET"
        raise SupabaseWrong("signs with its legacy secret, which is not set", mend)
    if not facts.confirms_addresses:
        mend = "turn on Confirm email in the project; until then the first sign-in of each person goes by a link"
        raise SupabaseWrong("confirms no addresses: anybody can have an account with anybody's", mend)
    named = len({*settings.supabase_admins, *settings.supabase_operators, *settings.supabase_viewers})
    who = f"{named} entries say who may come in" if named else "only whom an administrator adds may come in"
    links = "" if settings.own_url else "; no links by mail, as PUBLIC_URL is not set"
    return f"answers, confirms addresses, {len(keys)} signing keys; {who}{links}"
