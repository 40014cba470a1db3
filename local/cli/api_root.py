"""Where an app's API begins, as its host tells."""

from __future__ import annotations

from collections.abc import Sequence

import httpx


def api_paths(functions_url: str) -> list[str]:
    """The paths of the functions that are triggered by HTTP, e.g. `/api/items/{id}`. Raises httpx.HTTPError."""
    listing = httpx.get(f"{functions_url}/admin/functions", timeout=60).raise_for_status().json()
    urls = [function.get("invoke_url_template") for function in listing]
    return [url.removeprefix(functions_url) for url in urls if url]


def common_root(paths: Sequence[str]) -> str:
    """The first segment with its slash, if all paths have it and go on behind it; else ""."""
    roots = {path.split("/")[1] if path.count("/") > 1 else "" for path in paths}
    root = roots.pop() if len(roots) == 1 else ""
    return f"/{root}" if root and "{" not in root else ""
