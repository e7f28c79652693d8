"""The choice of a model and its parameters, for any form that offers one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import reflex as rx

from cursor_monitor.queries import catalogue
from cursor_monitor.queries.catalogue import ModelRow, ParameterRow


class ModelMixin(rx.State, mixin=True):
    """The models on offer, the chosen one, and what can be set about it."""

    models: list[ModelRow] = []
    model: str = ""

    @rx.var
    def parameters(self) -> list[ParameterRow]:
        """What can be set about the chosen model."""
        return next((list(one.parameters) for one in self.models if one.id == self.model), [])

    @rx.event
    def choose_model(self, value: str):
        """Choose a model; its parameters appear."""
        self.model = value[:100]

    async def _load_models(self, account: str | None = None) -> None:
        self.models = list(await asyncio.to_thread(catalogue.list_models, account))
        if self.model not in {one.id for one in self.models}:
            self.model = ""

    def _model_fields(self, form: Mapping[str, Any]) -> dict[str, Any]:
        """Model and parameters, as the form has them."""
        model = self.model or str(form.get("model") or "").strip()
        if not model:
            return {}
        given = {one.id: str(form.get(f"param-{one.id}") or "").strip() for one in self.parameters}
        params = [{"id": name, "value": value} for name, value in given.items() if value]
        return {"model": model, **({"model_params": params} if params else {})}
