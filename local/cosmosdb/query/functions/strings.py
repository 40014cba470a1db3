"""String functions. Positions count from 0; offsets and lengths that are not whole numbers give undefined."""

import json
import re
from functools import lru_cache

from ..values import JSON, UNDEFINED, Value, integer, number, printable
from .registry import builtin

_LONGEST_REPLICATE = 10_000
_REGEX_FLAGS = {"m": re.MULTILINE, "s": re.DOTALL, "i": re.IGNORECASE, "x": re.VERBOSE}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


@builtin("CONCAT", "ss*")
def _concat(*parts: str) -> Value:
    return "".join(parts)


@builtin("CONTAINS", "ss?b")
def _contains(text: str, part: str, ignore_case: bool = False) -> Value:
    return part.casefold() in text.casefold() if ignore_case else part in text


@builtin("STARTSWITH", "ss?b")
def _starts_with(text: str, part: str, ignore_case: bool = False) -> Value:
    return text.casefold().startswith(part.casefold()) if ignore_case else text.startswith(part)


@builtin("ENDSWITH", "ss?b")
def _ends_with(text: str, part: str, ignore_case: bool = False) -> Value:
    return text.casefold().endswith(part.casefold()) if ignore_case else text.endswith(part)


@builtin("STRINGEQUALS", "ss?b")
def _string_equals(text: str, other: str, ignore_case: bool = False) -> Value:
    return text.casefold() == other.casefold() if ignore_case else text == other


@builtin("CONTAINS_ANY_CS", "ss*")
def _contains_any(text: str, *parts: str) -> Value:
    return any(part in text for part in parts)


@builtin("CONTAINS_ALL_CS", "ss*")
def _contains_all(text: str, *parts: str) -> Value:
    return all(part in text for part in parts)


@builtin("CONTAINS_ANY_CI", "ss*")
def _contains_any_ignoring_case(text: str, *parts: str) -> Value:
    return _contains_any(text.casefold(), *(part.casefold() for part in parts))


@builtin("CONTAINS_ALL_CI", "ss*")
def _contains_all_ignoring_case(text: str, *parts: str) -> Value:
    return _contains_all(text.casefold(), *(part.casefold() for part in parts))


@builtin("INDEX_OF", "ss?n")
def _index_of(text: str, part: str, start: float = 0) -> Value:
    first = integer(start)
    if first is None:
        return UNDEFINED
    return text.find(part, max(first, 0)) if first <= len(text) else -1


@builtin("LASTINDEXOF", "ss?n")
def _last_index_of(text: str, part: str, start: float | None = None) -> Value:
    """The last occurrence that ends at or before the position to start from, searching towards the beginning."""
    last = len(text) if start is None else integer(start)
    if last is None:
        return UNDEFINED
    return text.rfind(part, 0, last + 1) if last >= 0 else -1


@builtin("LEFT", "sn")
def _left(text: str, length: float) -> Value:
    count = integer(length)
    return UNDEFINED if count is None else text[: max(count, 0)]


@builtin("RIGHT", "sn")
def _right(text: str, length: float) -> Value:
    count = integer(length)
    if count is None:
        return UNDEFINED
    return text[-count:] if count > 0 else ""


@builtin("SUBSTRING", "snn")
def _substring(text: str, start: float, length: float) -> Value:
    first, count = integer(start), integer(length)
    if first is None or count is None:
        return UNDEFINED
    return text[first : first + count] if first >= 0 and count > 0 else ""


@builtin("SUBSTRINGAFTER", "ss")
def _substring_after(text: str, part: str) -> Value:
    _, found, after = text.partition(part) if part else ("", "", text)
    return after if found or not part else ""


@builtin("SUBSTRINGBEFORE", "ss")
def _substring_before(text: str, part: str) -> Value:
    before, found, _ = text.partition(part) if part else ("", "", text)
    return before if found else ""


@builtin("LASTSUBSTRINGAFTER", "ss")
def _substring_after_last(text: str, part: str) -> Value:
    _, found, after = text.rpartition(part) if part else ("", "", "")
    return after if found else ""


@builtin("LASTSUBSTRINGBEFORE", "ss")
def _substring_before_last(text: str, part: str) -> Value:
    before, _, _ = text.rpartition(part) if part else (text, "", "")
    return before


@builtin("LENGTH", "s")
def _length(text: str) -> Value:
    return len(text)


@builtin("LOWER", "s")
def _lower(text: str) -> Value:
    return text.lower()


@builtin("UPPER", "s")
def _upper(text: str) -> Value:
    return text.upper()


@builtin("TRIM", "s?s")
def _trim(text: str, characters: str | None = None) -> Value:
    return text.strip(characters)


@builtin("LTRIM", "s?s")
def _left_trim(text: str, characters: str | None = None) -> Value:
    return text.lstrip(characters)


@builtin("RTRIM", "s?s")
def _right_trim(text: str, characters: str | None = None) -> Value:
    return text.rstrip(characters)


@builtin("REVERSE", "s")
def _reverse(text: str) -> Value:
    return text[::-1]


@builtin("REPLACE", "sss")
def _replace(text: str, part: str, replacement: str) -> Value:
    return text.replace(part, replacement) if part else text


@builtin("REPLICATE", "sn")
def _replicate(text: str, times: float) -> Value:
    count = integer(times)
    if count is None or count < 0 or count * len(text) > _LONGEST_REPLICATE:
        return UNDEFINED
    return text * count


@builtin("REGEXMATCH", "ss?s")
def _regex_match(text: str, pattern: str, modifiers: str = "") -> Value:
    regex = _regex(pattern, modifiers)
    return UNDEFINED if regex is None else regex.search(text) is not None


@lru_cache(maxsize=256)
def _regex(pattern: str, modifiers: str) -> re.Pattern[str] | None:
    """The compiled pattern; None for a modifier or a pattern that does not exist."""
    flags = re.RegexFlag(0)
    for modifier in modifiers:
        if modifier not in _REGEX_FLAGS:
            return None
        flags |= _REGEX_FLAGS[modifier]
    try:
        return re.compile(pattern, flags)
    except re.error:
        return None


@builtin("STRINGJOIN", "as")
def _string_join(parts: list[JSON], separator: str) -> Value:
    return separator.join(parts) if all(type(part) is str for part in parts) else UNDEFINED


@builtin("STRINGSPLIT", "ss")
def _string_split(text: str, separator: str) -> Value:
    return text.split(separator) if separator else [text]


@builtin("TOSTRING", "d")
def _to_string(value: JSON) -> Value:
    text = printable(value)
    return text if type(text) is str else json.dumps(text, ensure_ascii=False, separators=(",", ":"))


@builtin("STRINGTOARRAY", "s")
def _string_to_array(text: str) -> Value:
    value = _parsed(text)
    return value if type(value) is list else UNDEFINED


@builtin("STRINGTOOBJECT", "s")
def _string_to_object(text: str) -> Value:
    value = _parsed(text)
    return value if type(value) is dict else UNDEFINED


@builtin("STRINGTOBOOLEAN", "s")
def _string_to_boolean(text: str) -> Value:
    return {"true": True, "false": False}.get(text.strip(), UNDEFINED)


@builtin("STRINGTONULL", "s")
def _string_to_null(text: str) -> Value:
    return None if text.strip() == "null" else UNDEFINED


@builtin("STRINGTONUMBER", "s")
def _string_to_number(text: str) -> Value:
    stripped = text.strip()
    return number(float(stripped)) if _NUMBER.fullmatch(stripped) else UNDEFINED


def _parsed(text: str) -> Value:
    """The value of strict JSON text; UNDEFINED for anything else, NaN, Infinity and half characters included."""
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=lambda digits: number(int(digits)),
            parse_float=lambda digits: number(float(digits)),
        )
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return UNDEFINED
    return value


def _refuse_constant(name: str) -> Value:
    raise ValueError(name)
