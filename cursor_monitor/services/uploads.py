"""Pictures for launches and follow-ups: taken in, held, and read back when Cursor is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from cursor_monitor.cursor.api import Image
from cursor_monitor.domain.errors import Conflict, Invalid
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.domain.launch import IMAGE_BYTES, ImageChoice
from cursor_monitor.store import tables, uploads
from cursor_monitor.store.database import transactional

WAITING_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A picture that was taken in."""

    id: str
    mime_type: str
    size_bytes: int


@transactional
def take_in(session: Session, content: bytes, *, by: str) -> Uploaded:
    """Keep a picture until something is launched with it, for a day at most; raises Invalid for anything else."""
    mime_type = _type_of(content)
    if mime_type is None:
        raise Invalid("image", "must be a PNG, JPEG, GIF or WebP picture")
    if len(content) > IMAGE_BYTES:
        raise Invalid("image", f"has {len(content):,} bytes, at most {IMAGE_BYTES:,} are allowed; make it smaller")
    if uploads.waiting_bytes(session) + len(content) > WAITING_BYTES:
        message = "Too many pictures wait to be used; launch something with them, or try again tomorrow."
        raise Conflict(message, code="uploads_full")
    made = mint_uuid7()
    uploads.insert_upload(
        session, id=made, mime_type=mime_type, content=content, size_bytes=len(content), created_by=by
    )
    return Uploaded(str(made), mime_type, len(content))


def hold(session: Session, images: Sequence[ImageChoice], holder: str) -> None:
    """Give uploaded pictures to a launch or follow-up; raises Invalid for one that is not there or already given."""
    wanted = [image.upload_id for image in images if image.upload_id]
    got = uploads.hold(session, wanted, holder) if wanted else set()
    for number, image in enumerate(images):
        if image.upload_id and image.upload_id not in got:
            raise Invalid(f"images[{number}].upload_id", "is not there any more, or was used; upload the picture again")


def load(session: Session, images: Sequence[ImageChoice], holder: str) -> tuple[Image, ...]:
    """The pictures as Cursor gets them."""
    if not images:
        return ()
    kept = uploads.select_held(session, holder)
    return tuple(Image(url=one.url) if one.url else _picture(kept[one.upload_id or ""]) for one in images)


def _picture(upload: tables.Upload) -> Image:
    return Image(data=upload.content, mime_type=upload.mime_type)


def _type_of(content: bytes) -> str | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None
