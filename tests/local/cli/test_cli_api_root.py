from __future__ import annotations

import pytest

from local.cli.api_root import common_root


@pytest.mark.parametrize(
    ("paths", "root"),
    [
        (["/api/a", "/api/b/{id}"], "/api"),
        (["/v1/a"], "/v1"),
        (["/a", "/a/b"], ""),
        (["/api/a", "/other/b"], ""),
        (["/{tenant}/a", "/{tenant}/b"], ""),
        (["/"], ""),
        ([], ""),
    ],
)
def test_the_root_is_what_all_paths_share(paths: list[str], root: str) -> None:
    assert common_root(paths) == root
