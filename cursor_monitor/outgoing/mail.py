"""Mail by SMTP: the server is the configuration's, the recipients are checked, a header is one line."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.outgoing.errors import DeliveryError

SECONDS = 20.0
RECIPIENTS_MOST = 10
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True, slots=True)
class MailServer:
    """Through which server mail goes, and from whom."""

    host: str
    port: int
    security: str  # starttls, tls or none
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def check_recipients(value: object) -> list[str]:
    """Addresses, separated by commas; raises Invalid."""
    text = value if isinstance(value, str) else ""
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise Invalid("target", "is empty; give e-mail addresses, separated by commas")
    if len(found) > RECIPIENTS_MOST:
        raise Invalid("target", f"may hold {RECIPIENTS_MOST} addresses, these are {len(found)}; use a mailing list")
    for address in found:
        if len(address) > 254 or not _ADDRESS.fullmatch(address):
            raise Invalid("target", f"{address[:40]!r} is no e-mail address; example: ada@example.com")
    return list(dict.fromkeys(found))


def compose(server: MailServer, recipients: Sequence[str], subject: str, text: str, message_id: str) -> EmailMessage:
    """The message; a second one of the same id is the same to whoever sorts mail."""
    message = EmailMessage(policy=SMTP)
    message["From"] = server.sender
    message["To"] = ", ".join(recipients)
    message["Subject"] = " ".join(subject.split())
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{message_id}@{server.sender.rpartition('@')[2].strip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def send(server: MailServer, message: EmailMessage) -> None:
    """Hand it to the server; raises DeliveryError. Blocks for up to some tens of seconds."""
    try:
        with _connected(server) as connection:
            if server.user and server.password:
                connection.login(server.user, server.password)
            connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code = min((refusal[0] for refusal in error.recipients.values()), default=550)
        raise DeliveryError(f"the mail server refused every recipient ({code})", is_final=code >= 500) from None
    except smtplib.SMTPResponseException as error:
        final = error.smtp_code >= 500
        raise DeliveryError(f"the mail server answered {error.smtp_code}", is_final=final) from None
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryError(f"the mail server cannot do what is asked of it ({error})", is_final=True) from None
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryError(f"the mail server cannot be reached ({type(error).__name__})") from None


def _connected(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=context)
    connection = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
    if server.security == "starttls":
        try:
            connection.starttls(context=context)  # raises where it is not offered: nothing goes in plain text
        except BaseException:
            connection.close()
            raise
    return connection
