"""What a Cosmos DB trigger passes to its function."""

import json
from typing import Any

import azure.functions as func

from local.functions.indexing import IndexedFunction


def trigger_value(function: IndexedFunction, text: str) -> Any:
    """A `func.DocumentList` of the changes in `text`, a JSON array, or that text, for a parameter annotated as `str`.

    A single object is taken for an array of one. Raises `ValueError` for anything else.
    """
    documents = json.loads(text)
    if isinstance(documents, dict):
        documents = [documents]
    if not isinstance(documents, list) or not all(isinstance(document, dict) for document in documents):
        raise ValueError("The input of a change feed trigger is a document, or a list of them.")
    if function.wants_text:
        return text
    return func.DocumentList([func.Document.from_dict(document) for document in documents])
