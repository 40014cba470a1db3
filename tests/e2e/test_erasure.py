"""An account is erased though its host is killed: the short form of the benchmark."""

from __future__ import annotations

import sys

import pytest

from bench.measurements.erasure import with_kills


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_nothing_is_left_and_the_receipts_add_up_though_the_host_is_killed() -> None:
    assert with_kills(turns=60, kills=3, seed=1, settle_seconds=2)
