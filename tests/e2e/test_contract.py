"""The API does what its description says: a short form of `python -m bench contract`."""

from __future__ import annotations

import pytest

from bench.measurements.contract import check


@pytest.mark.timeout(600)
def test_the_api_keeps_its_contract() -> None:
    kept, said = check(cases=4)
    assert kept, said
