"""Operators on every kind of value; UNDEFINED stands for no result."""

from collections.abc import Callable
from typing import Any

import pytest

from local.cosmosdb.query import UNDEFINED, QueryError, compile_query

Run = Callable[..., list[Any]]

ARITHMETIC = [
    ("1 + 2", 3),
    ("1.5 + 1.5", 3),
    ("0.1 + 0.2", 0.30000000000000004),
    ("1 - 2.5", -1.5),
    ("2 * 3", 6),
    ("7 / 2", 3.5),
    ("6 / 2", 3),
    ("1 / 0", "Infinity"),
    ("-1 / 0", "-Infinity"),
    ("0 / 0", "NaN"),
    ("-7 % 3", -1),
    ("7 % -3", 1),
    ("5 % 0", "NaN"),
    ("5.5 % 2", 1.5),
    ("'1' + 2", UNDEFINED),
    ("null + 1", UNDEFINED),
    ("true + 1", UNDEFINED),
    ("- 5", -5),
    ("- '5'", UNDEFINED),
    ("+ 5", 5),
    ("9007199254740993 + 0", 9007199254740992),
    ("1e308 * 10", "Infinity"),
    ("Infinity - Infinity", "NaN"),
    ("1e20 * 10", 1e21),
    ("9223372036854775807 + 1", 9223372036854775808.0),
    ("9223372036854775807", 9223372036854775807),
    ("18446744073709551616", 18446744073709551616.0),
    ("0xFF", 255),
    (f"0x1{'0' * 400}", "Infinity"),
    (f"{'9' * 400}", "Infinity"),
    (f"{'0' * 5000}1", 1),
    ("1E2", 100),
]

BITWISE = [
    ("12 & 10", 8),
    ("12 | 10", 14),
    ("12 ^ 10", 6),
    ("~ 12", -13),
    ("1 << 4", 16),
    ("1 << 31", -2147483648),
    ("-16 >> 2", -4),
    ("-1 >>> 28", 15),
    ("4294967296 | 1", 1),
    ("5.9 & 7", 5),
    ("'5' & 7", UNDEFINED),
    ("Infinity | 1", 1),
]

COMPARISONS = [
    ("1 = 1.0", True),
    ("1 = true", False),
    ("'a' = 'a'", True),
    ("'a' = 'A'", False),
    ("null = null", True),
    ("null = 0", False),
    ("undefined = undefined", UNDEFINED),
    ("null = undefined", UNDEFINED),
    ("[1, {a: true}] = [1.0, {a: true}]", True),
    ("[1] = [true]", False),
    ("{a: 1, b: 2} = {b: 2, a: 1}", True),
    ("{a: 1} = {a: 1, b: 2}", False),
    ("1 != 2", True),
    ("1 <> 1", False),
    ("5 != null", True),
    ("undefined != null", UNDEFINED),
    ("1 < 2", True),
    ("2 <= 2.0", True),
    ("'a' < 'b'", True),
    ("'Z' < 'a'", True),
    ("false < true", True),
    ("null <= null", True),
    ("null < null", False),
    ("1 < '2'", UNDEFINED),
    ("null < 1", UNDEFINED),
    ("[1] < [2]", UNDEFINED),
    ("{a: 1} >= {a: 1}", UNDEFINED),
    ("undefined > 1", UNDEFINED),
    ("2 BETWEEN 1 AND 3", True),
    ("3 BETWEEN 1 AND 3", True),
    ("4 NOT BETWEEN 1 AND 3", True),
    ("'b' BETWEEN 'a' AND 'c'", True),
    ("2 BETWEEN 'a' AND 3", UNDEFINED),
    ("5 BETWEEN 'a' AND 3", False),
    ("2 IN (1, 2)", True),
    ("2 IN ('2', [2])", False),
    ("[1] IN ([1.0])", True),
    ("true IN (1)", False),
    ("undefined IN (1)", UNDEFINED),
    ("1 IN (undefined, 1)", True),
    ("1 NOT IN (2, 1 + 1)", True),
    ("2 IN (1 + 1, 7)", True),
    ("undefined IN (1 + 1)", UNDEFINED),
]

LOGIC = [
    ("true AND true", True),
    ("true AND false", False),
    ("true AND undefined", UNDEFINED),
    ("undefined AND false", False),
    ("undefined AND undefined", UNDEFINED),
    ("1 AND true", UNDEFINED),
    ("1 AND false", False),
    ("false OR true", True),
    ("undefined OR true", True),
    ("undefined OR false", UNDEFINED),
    ("null OR true", True),
    ("'a' OR false", UNDEFINED),
    ("false OR false OR false", False),
    ("NOT true", False),
    ("NOT undefined", UNDEFINED),
    ("NOT 1", UNDEFINED),
    ("NOT (1 = 2)", True),
    ("true ? 1 : 2", 1),
    ("false ? 1 : 2", 2),
    ("1 ? 'yes' : 'no'", "no"),
    ("undefined ? 1 : 2", 2),
    ("true ? undefined : 2", UNDEFINED),
    ("undefined ?? 1", 1),
    ("null ?? 1", None),
    ("undefined ?? undefined ?? 3", 3),
]

TEXT = [
    ("'a' || 'b' || 'c'", "abc"),
    ("'a' || 1", UNDEFINED),
    ("'a' || 'b' = 'b'", UNDEFINED),
    ("'abc' LIKE 'a%'", True),
    ("'abc' LIKE 'A%'", False),
    ("'abc' LIKE '_b_'", True),
    ("'a\\nb' LIKE 'a%b'", True),
    ("'abc' NOT LIKE '%z%'", True),
    ("'50% off' LIKE '50!% off' ESCAPE '!'", True),
    ("'501 off' LIKE '50!% off' ESCAPE '!'", False),
    ("'b1' LIKE '[a-c][0-9]'", True),
    ("'d1' LIKE '[^a-c]%'", True),
    ("'a.c' LIKE 'a.c'", True),
    ("'abc' LIKE 'a.c'", False),
    ("'x[' LIKE '%['", True),
    ("'a^b' LIKE 'a[^]b]b'", False),
    ("'a^b' LIKE 'a[^]b'", True),
    ("'b' LIKE '[z-a]'", False),
    ("5 LIKE '5'", UNDEFINED),
    ("'5' LIKE 5", UNDEFINED),
    (r"'\'\"\\\/\u00e9\t'", "'\"\\/é\t"),
    (r"'\ud83d\ude00'", "😀"),
]

CONSTRUCTION = [
    ("[1, undefined, null]", [1, None]),
    ("{a: 1, 'b c': undefined, \"d\": {}}", {"a": 1, "d": {}}),
    ("[10, 20, 30][1]", 20),
    ("[10, 20][2]", UNDEFINED),
    ("[10][-1]", UNDEFINED),
    ("[10]['0']", UNDEFINED),
    ("[10, 20][0.5]", UNDEFINED),
    ("{a: {b: 5}}.a.b", 5),
    ("{a: 5}['a']", 5),
    ("{a: 5}[0]", UNDEFINED),
    ("{a: 5}.b.c", UNDEFINED),
    ("'text'.length", UNDEFINED),
]

TABLE = [*ARITHMETIC, *BITWISE, *COMPARISONS, *LOGIC, *TEXT, *CONSTRUCTION]


@pytest.mark.parametrize(("expression", "expected"), TABLE, ids=[expression[:80] for expression, _ in TABLE])
def test_gives(run: Run, expression: str, expected: Any) -> None:
    rows = run(f"SELECT VALUE {expression}")
    assert rows == ([] if expected is UNDEFINED else [expected])
    assert [type(row) for row in rows] == ([] if expected is UNDEFINED else [type(expected)])


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("10 - 4 - 3", "(10 - 4) - 3"),
        ("1 + 1 << 2", "(1 + 1) << 2"),
        ("1 | 6 & 3", "1 | (6 & 3)"),
        ("true OR true AND false", "true OR (true AND false)"),
        ("NOT false AND false", "(NOT false) AND false"),
        ("1 < 2 = true", "(1 < 2) = true"),
        ("false ? 1 : true ? 2 : 3", "false ? 1 : (true ? 2 : 3)"),
        ("1 = 1 AND 2 IN (2, 3) OR false", "((1 = 1) AND (2 IN (2, 3))) OR false"),
        ("5 BETWEEN 1 AND 9 AND false", "(5 BETWEEN 1 AND 9) AND false"),
    ],
)
def test_precedence(run: Run, text: str, meaning: str) -> None:
    assert run(f"SELECT VALUE {text}") == run(f"SELECT VALUE {meaning}")


def test_not_binds_to_what_follows_it(run: Run) -> None:
    assert run("SELECT VALUE NOT 1 = 2") == [], "NOT of a number is undefined"
    assert run("SELECT VALUE NOT (1 = 2)") == [True]


def test_a_branch_that_is_not_taken_is_not_evaluated(run: Run) -> None:
    assert run("SELECT VALUE true ? 1 : udf.missing()") == [1]
    assert run("SELECT VALUE 1 ?? udf.missing()") == [1]


def test_indexes_and_names_may_be_computed(run: Run) -> None:
    document = {"a": [1, 2, 3], "name": "a", "at": 1}
    assert run("SELECT VALUE c[c.name][c.at + 1] FROM c", [document]) == [3]
    assert run("SELECT VALUE c[@name][@at] FROM c", [document], name="a", at=0) == [1]


def test_property_names_keep_their_case(run: Run) -> None:
    assert run("SELECT VALUE c.Kind FROM c", [{"kind": 1, "Kind": 2}]) == [2]


def test_reserved_words_need_brackets(run: Run) -> None:
    with pytest.raises(QueryError) as refused:
        compile_query("SELECT c.value FROM c")
    assert refused.value.message == "Syntax error, incorrect syntax near 'value'."
    assert run("SELECT c['value'] FROM c", [{"value": 1}]) == [{"value": 1}]


def test_comments_are_ignored(run: Run) -> None:
    assert run("SELECT VALUE 1 -- the first\n /* and\n the */ + 2") == [3]
