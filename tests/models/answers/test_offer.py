"""The models that an operator may configure."""

from __future__ import annotations

import pytest

from models.answers.offer import ConfiguredModel


@pytest.mark.parametrize("endpoint", ["http://models.contoso.example/v1", "ftp://127.0.0.1/v1", "models", "https://"])
def test_models_are_asked_over_https_or_on_this_machine(endpoint: str) -> None:
    with pytest.raises(ValueError, match="must be an address like https://host/v1"):
        ConfiguredModel(endpoint=endpoint, context_window=8000)
