"""Asks the app that was deployed whether it can do its work, and fails the deployment with what it says if it can't.

Run by `azd deploy` after the code is there. It needs nothing but Python. An app takes a while to start, and role
assignments to act, so it is asked for some minutes; a wrong setting, which waiting does not mend, is told at once.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any

WAIT_SECONDS = 300.0
PAUSE_SECONDS = 5.0
ANSWER_SECONDS = 30.0


def main() -> int:
    url = os.environ.get("API_URL")
    if not url:
        print("ready: API_URL is not set; azd sets it from the outputs of the deployment", file=sys.stderr)
        return 1
    until = time.monotonic() + float(os.environ.get("READY_WAIT_SECONDS", WAIT_SECONDS))
    while True:
        status, said = asked(f"{url}/health/ready")
        if status == 200:
            print("ready: the app can do its work")
            return 0
        if is_final(said) or time.monotonic() >= until:
            print(f"ready: {url}/health/ready answers {status}: {told(said)}", file=sys.stderr)
            return 1
        time.sleep(float(os.environ.get("READY_PAUSE_SECONDS", PAUSE_SECONDS)))


def asked(url: str) -> tuple[int, Any]:
    """The status of an answer and what it says; 0 and why, where there is none."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  # azd's own output
            return answer.status, read(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, read(error.read())
    except OSError as error:
        return 0, str(error)


def read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")[:500]


def is_final(said: Any) -> bool:
    """Whether asking again can't help."""
    return isinstance(said, dict) and str(said.get("type", "")).endswith(":misconfigured")


def told(said: Any) -> str:
    if not isinstance(said, dict):
        return str(said) or "nothing"
    checks = said.get("checks") or said.get("settings") or []
    return f"{said.get('detail', '')} {', '.join(map(str, checks))}".strip()


if __name__ == "__main__":
    sys.exit(main())
