"""Functions on whole items and on conditions: DOCUMENTID and IIF."""

import base64
import binascii
from typing import Final

from ..values import JSON, UNDEFINED, Value
from .registry import builtin

_DOCUMENT_BYTES: Final = slice(8, 16)


@builtin("IIF", "uuu")
def _iif(test: Value, then: Value, otherwise: Value) -> Value:
    return then if test is True else otherwise


@builtin("DOCUMENTID", "o")
def _document_id(document: dict[str, JSON]) -> Value:
    """The number of the item in its partition: the last eight of the bytes that `_rid` is in base64."""
    rid = document.get("_rid")
    if type(rid) is not str:
        return UNDEFINED
    try:
        raw = base64.b64decode(rid.replace("-", "/"), validate=True)[_DOCUMENT_BYTES]
    except binascii.Error:
        return UNDEFINED
    return int.from_bytes(raw, "little") if len(raw) == _DOCUMENT_BYTES.stop - _DOCUMENT_BYTES.start else UNDEFINED
