"""What can be wrong with an app before it serves anything."""

from collections.abc import Callable, Iterable
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")


class AppLoadError(Exception):
    """The app cannot be served; the message is for the app's developer and names the function, if one is at fault."""


class FunctionLoadError(AppLoadError):
    """One function's definition is wrong."""

    def __init__(self, function_name: str, problem: str) -> None:
        super().__init__(f"The '{function_name}' function is in error: {problem}")
        self.function_name = function_name


def for_each(work: Callable[[_T], _R], of: Iterable[_T]) -> list[_R]:
    """What `work` makes of each, once all have been looked at.

    Raises `FunctionLoadError` if one function is in error, and an `AppLoadError` that tells of each if several are.
    """
    results: list[_R] = []
    errors: list[FunctionLoadError] = []
    for each in of:
        try:
            results.append(work(each))
        except FunctionLoadError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise AppLoadError("\n".join(map(str, errors)))
    return results
