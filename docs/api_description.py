"""The stored description of the API: what clients have been made by, and what later changes may only add to.

python -m docs.api_description            # accepts what has been added
python -m docs.api_description --check    # exits 1 if something was added, or breaks clients
python -m docs.api_description --break    # accepts also what breaks clients: a decision, to be told in the changelog
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from string import Template
from typing import Any

from docs.api_changes import Json, breaks, contract
from functions.core.openapi import describe
from functions.core.operation import Operation
from models.kinds import KINDS

ROOT = Path(__file__).parent.parent
STORED = ROOT / "docs" / "openapi.json"
COMMAND = "python -m docs.api_description"
METADATA_URL = "https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration"

_NOBODY = "00000000-0000-4000-8000-000000000000"
_LOCAL = {"COSMOS_PORT": "8081", "ENTRA_PORT": "8400", "ENTRA_TENANT": _NOBODY, "ENTRA_AUDIENCE": _NOBODY}


def operations() -> list[Operation]:
    """All operations of the app, with all capabilities."""
    template = Template((ROOT / "local.settings.template.json").read_text(encoding="utf-8"))
    for name, value in json.loads(template.safe_substitute(_LOCAL))["Values"].items():
        os.environ.setdefault(name, value)
    from function_app import DESCRIBED  # reads the settings, which must be there first

    return [operation for routes in DESCRIBED for operation in routes.operations]


def described() -> Json:
    """The description as the app gives it now."""
    return describe(operations(), KINDS.values(), metadata_url=METADATA_URL)


def stored() -> Json:
    known: Json = json.loads(STORED.read_text(encoding="utf-8"))
    return known


def complaint(now: Json, may_break: bool = False) -> str | None:
    """What is wrong with the stored description, None if it is what the app says but for words."""
    known = stored()
    broken = [] if may_break else breaks(known, now)
    if broken:
        return "Clients that were made by docs/openapi.json would break:\n  " + "\n  ".join(broken)
    if contract(known) != contract(now):
        return f"Something has been added to the API. Accept it with: {COMMAND}"
    return None


def written(now: Any) -> str:
    return json.dumps(now, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Keep docs/openapi.json.")
    parser.add_argument("--check", action="store_true", help="only say whether it is what the app says")
    parser.add_argument("--break", dest="may_break", action="store_true", help="accept what breaks clients, too")
    arguments = parser.parse_args()
    now = described()
    wrong = complaint(now, arguments.may_break) if STORED.exists() else None
    if wrong and (arguments.check or "would break" in wrong):
        print(wrong, file=sys.stderr)
        return 1
    if not arguments.check:
        STORED.write_text(written(now), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
