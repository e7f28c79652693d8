"""Pictures that go with a prompt: uploaded by assets/pictures.js as they are chosen or pasted, or at an address."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.domain.launch import IMAGE_TYPES, IMAGES_LIMIT


def pictures(name: str, errors: rx.Var[dict[str, str]] | None = None) -> rx.Component:
    """The choice of pictures; the form gets their ids under `name` and addresses under `name` + `_urls`."""
    refusal = rx.fragment()
    if errors is not None:
        message = rx.el.p(errors["images"], class_name="field-error", role="alert", id="images-error")
        refusal = rx.cond(errors.contains("images"), message)
    return rx.el.div(
        rx.el.label("Pictures", rx.el.input(type="file", multiple=True, accept=",".join(IMAGE_TYPES))),
        rx.el.ul(class_name="picked", aria_label="Chosen pictures"),
        rx.el.input(type="hidden", name=name, default_value=""),
        rx.el.p(
            f"Up to {IMAGES_LIMIT}: PNG, JPEG, GIF or WebP of at most 15 MB. Pasting works too.", class_name="hint"
        ),
        rx.el.p(role="status", class_name="hint"),
        rx.el.details(
            rx.el.summary("Pictures at an address"),
            rx.el.textarea(
                name=f"{name}_urls",
                rows=2,
                aria_label="Addresses of pictures, one a line",
                placeholder="https://example.com/screen.png",
            ),
        ),
        refusal,
        class_name="field",
        custom_attrs={"data-pictures": "true"},
    )
