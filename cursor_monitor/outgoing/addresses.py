"""Which addresses may be reached: what is on the internet, and nothing behind our own walls."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.outgoing.errors import DeliveryError

URL_LIMIT = 2000
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")


def is_public(address: str) -> bool:
    """True for an address of the internet, which an address that only wraps a private one is not."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.sixtofour or ip.teredo or ip.is_site_local:
            return False
        inner = ip.ipv4_mapped
        if inner is None and any(ip in network for network in _NAT64):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def check_url(url: object, *, allow_private: bool) -> str:
    """The address of a webhook; raises Invalid for one that could not be used, or should not be reached."""
    text = url.strip() if isinstance(url, str) else ""
    if not text:
        raise Invalid("target", "is empty; give the address of the webhook, such as https://hooks.example.com/in/1")
    if len(text) > URL_LIMIT or not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise Invalid("target", f"must be an address of at most {URL_LIMIT} plain characters without spaces")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid("target", "cannot be read as an address; example: https://hooks.example.com/in/1") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_private):
        raise Invalid("target", "must begin with https://")
    if not host or port == 0 or parts.username is not None or parts.password is not None or parts.fragment:
        raise Invalid("target", "must be https://host/path, without a name or password before the host and without #")
    if not allow_private and _is_local(host):
        raise Invalid("target", "leads into a private network; NOTIFY_ALLOW_PRIVATE=1 would allow it")
    return text


async def resolve(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The addresses of a host, all of which may be reached; raises DeliveryError."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise DeliveryError(f"the host {host[:100]} cannot be found") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private and not all(is_public(address) for address in addresses):
        why = f"the host {host[:100]} leads into a private network; NOTIFY_ALLOW_PRIVATE=1 would allow it"
        raise DeliveryError(why, is_final=True)
    return addresses


def _is_local(host: str) -> bool:
    name = host.rstrip(".").lower()
    try:
        return not is_public(name)
    except ValueError:
        return "." not in name or any(name == local or name.endswith(f".{local}") for local in _LOCAL_NAMES)
