"""Every built-in function, by what its documentation says it gives. UNDEFINED stands for no result."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from local.cosmosdb.query import UNDEFINED, QueryError, compile_query
from local.cosmosdb.query.functions import FUNCTIONS

Run = Callable[..., list[Any]]

TYPE_CHECKS = [
    ("IS_ARRAY([])", True),
    ("IS_ARRAY({})", False),
    ("IS_ARRAY(undefined)", False),
    ("IS_BOOL(false)", True),
    ("IS_BOOL(0)", False),
    ("IS_DEFINED(null)", True),
    ("IS_DEFINED(undefined)", False),
    ("IS_FINITE_NUMBER(1234.567)", True),
    ("IS_FINITE_NUMBER(8.9 / 0.0)", False),
    ("IS_FINITE_NUMBER(SQRT(-1.0))", False),
    ("IS_FINITE_NUMBER('1')", False),
    ("IS_INTEGER(3.0)", True),
    ("IS_INTEGER(3.5)", False),
    ("IS_INTEGER('3')", False),
    ("IS_NULL(null)", True),
    ("IS_NULL(undefined)", False),
    ("IS_NUMBER(1)", True),
    ("IS_NUMBER(true)", False),
    ("IS_OBJECT({})", True),
    ("IS_OBJECT([])", False),
    ("IS_PRIMITIVE(null)", True),
    ("IS_PRIMITIVE('a')", True),
    ("IS_PRIMITIVE([])", False),
    ("IS_PRIMITIVE(undefined)", False),
    ("IS_STRING('')", True),
    ("IS_STRING(1)", False),
]

STRINGS = [
    ("CONCAT('a', 'b', 'c')", "abc"),
    ("CONCAT('a', 1)", UNDEFINED),
    ("CONTAINS('AdventureWorks', 'Works')", True),
    ("CONTAINS('AdventureWorks', 'works')", False),
    ("CONTAINS('AdventureWorks', 'works', true)", True),
    ("CONTAINS('a', 1)", UNDEFINED),
    ("CONTAINS('a', 'a', 1)", UNDEFINED),
    ("CONTAINS_ALL_CI('One Two', 'ONE', 'two')", True),
    ("CONTAINS_ALL_CI('One Two', 'one', 'three')", False),
    ("CONTAINS_ALL_CS('One Two', 'One', 'Two')", True),
    ("CONTAINS_ALL_CS('One Two', 'one', 'Two')", False),
    ("CONTAINS_ANY_CI('One Two', 'THREE', 'TWO')", True),
    ("CONTAINS_ANY_CI('One Two', 'three')", False),
    ("CONTAINS_ANY_CS('One Two', 'three', 'Two')", True),
    ("CONTAINS_ANY_CS('One Two', 'two')", False),
    ("ENDSWITH('abc', 'bc')", True),
    ("ENDSWITH('abc', 'BC')", False),
    ("ENDSWITH('abc', 'BC', true)", True),
    ("STARTSWITH('abc', 'ab')", True),
    ("STARTSWITH('abc', 'AB')", False),
    ("STARTSWITH('abc', 'AB', true)", True),
    ("STARTSWITH('abc', null)", UNDEFINED),
    ("STRINGEQUALS('abc', 'abc')", True),
    ("STRINGEQUALS('abc', 'ABC')", False),
    ("STRINGEQUALS('abc', 'ABC', true)", True),
    ("INDEX_OF('abcab', 'ab')", 0),
    ("INDEX_OF('abcab', 'ab', 1)", 3),
    ("INDEX_OF('abcab', 'z')", -1),
    ("INDEX_OF('abc', 'a', 9)", -1),
    ("INDEX_OF('abc', 'a', 0.5)", UNDEFINED),
    ("LASTINDEXOF('abcdeabc', 'abc')", 5),
    ("LASTINDEXOF('abcdeabc', 'abc', 6)", 0),
    ("LASTINDEXOF('abcdeabc', 'abc', 7)", 5),
    ("LASTINDEXOF('abcdeabc', 'fg')", -1),
    ("LASTINDEXOF('abc', 'a', -1)", -1),
    ("LEFT('abc', 2)", "ab"),
    ("LEFT('abc', 9)", "abc"),
    ("LEFT('abc', -1)", ""),
    ("LASTINDEXOF('abcab', 'a', 0.5)", UNDEFINED),
    ("LEFT('abc', 1.5)", UNDEFINED),
    ("RIGHT('abc', 2)", "bc"),
    ("RIGHT('abc', 9)", "abc"),
    ("RIGHT('abc', 0)", ""),
    ("RIGHT('abc', 0.5)", UNDEFINED),
    ("SUBSTRING('abcdef', 1, 3)", "bcd"),
    ("SUBSTRING('abc', 1, 99)", "bc"),
    ("SUBSTRING('abc', -1, 2)", ""),
    ("SUBSTRING('abc', 5, 1)", ""),
    ("SUBSTRING('abc', 0.5, 1)", UNDEFINED),
    ("SUBSTRINGAFTER('key=value=x', '=')", "value=x"),
    ("SUBSTRINGAFTER('key', '=')", ""),
    ("SUBSTRINGBEFORE('key=value', '=')", "key"),
    ("SUBSTRINGBEFORE('key', '=')", ""),
    ("LASTSUBSTRINGAFTER('/products/shoes/boots', '/')", "boots"),
    ("LASTSUBSTRINGAFTER('boots', '/')", ""),
    ("LASTSUBSTRINGBEFORE('bike::touring::frame', '::')", "bike::touring"),
    ("LASTSUBSTRINGBEFORE('bike', '::')", ""),
    ("LENGTH('naïve')", 5),
    ("LENGTH(5)", UNDEFINED),
    ("LOWER('AbC')", "abc"),
    ("UPPER('AbC')", "ABC"),
    ("TRIM('  a ')", "a"),
    ("LTRIM('  a ')", "a "),
    ("RTRIM('  a ')", "  a"),
    ("TRIM('xxaxx', 'x')", "a"),
    ("REVERSE('abc')", "cba"),
    ("REPLACE('a-b-c', '-', '+')", "a+b+c"),
    ("REPLACE('abc', '', '+')", "abc"),
    ("REPLICATE('ab', 3)", "ababab"),
    ("REPLICATE('ab', 0)", ""),
    ("REPLICATE('ab', -1)", UNDEFINED),
    ("REPLICATE('ab', 10000)", UNDEFINED),
    ("REGEXMATCH('abcd', 'ABC')", False),
    ("REGEXMATCH('abcd', 'ABC', 'i')", True),
    ("REGEXMATCH('ab\\ncd', '^cd', 'm')", True),
    ("REGEXMATCH('ab\\ncd', 'b.c', 's')", True),
    ("REGEXMATCH('abcd', 'a b c', 'x')", True),
    ("REGEXMATCH('abcd', 'a', 'q')", UNDEFINED),
    ("REGEXMATCH('abcd', '(')", UNDEFINED),
    ("STRINGJOIN(['a', 'b'], '-')", "a-b"),
    ("STRINGJOIN(['a', 1], '-')", UNDEFINED),
    ("STRINGSPLIT('a-b-c', '-')", ["a", "b", "c"]),
    ("STRINGSPLIT('abc', '')", ["abc"]),
    ("TOSTRING(125)", "125"),
    ("TOSTRING(0.1234)", "0.1234"),
    ("TOSTRING(false)", "false"),
    ("TOSTRING([1, 2, 3])", "[1,2,3]"),
    ("TOSTRING({'department': 'Bicycles'})", '{"department":"Bicycles"}'),
    ("TOSTRING('\"quoted\"')", '"quoted"'),
    ("TOSTRING(NaN)", "NaN"),
    ("TOSTRING(Infinity)", "Infinity"),
    ("TOSTRING(undefined)", UNDEFINED),
    ('STRINGTOARRAY(\'[1, "a", {"b": null}]\')', [1, "a", {"b": None}]),
    ("STRINGTOARRAY('{}')", UNDEFINED),
    ("STRINGTOARRAY('[NaN]')", UNDEFINED),
    ("STRINGTOARRAY('[3.0, 123456789012345678901234567890]')", [3, 123456789012345678901234567890.0]),
    ("STRINGTOARRAY('[\"\\\\ud800\"]')", UNDEFINED),
    ("STRINGTOARRAY(REPLICATE('[', 9999))", UNDEFINED),
    ("STRINGTOBOOLEAN(' true ')", True),
    ("STRINGTOBOOLEAN('False')", UNDEFINED),
    ("STRINGTONULL('null')", None),
    ("STRINGTONULL('NULL')", UNDEFINED),
    ("STRINGTONUMBER('100')", 100),
    ("STRINGTONUMBER('   60   ')", 60),
    ("STRINGTONUMBER('-1.5e2')", -150),
    ("STRINGTONUMBER('Hello')", UNDEFINED),
    ("STRINGTONUMBER('1_000')", UNDEFINED),
    ("STRINGTONUMBER(NaN)", UNDEFINED),
    ("STRINGTOOBJECT('{\"a\": [1]}')", {"a": [1]}),
    ("STRINGTOOBJECT('[]')", UNDEFINED),
]

ARRAYS = [
    ("ARRAY_CONCAT([1], [2, 3], ['x'])", [1, 2, 3, "x"]),
    ("ARRAY_CONCAT([1], 2)", UNDEFINED),
    ("ARRAY_CONTAINS(['coats', 'jackets'], 'coats')", True),
    ("ARRAY_CONTAINS(['coats'], 'hoodies')", False),
    ("ARRAY_CONTAINS([1], true)", False),
    ("ARRAY_CONTAINS([{a: 1, b: 2}], {b: 2, a: 1.0})", True),
    ("ARRAY_CONTAINS([{a: 1, b: 2}], {a: 1})", False),
    ("ARRAY_CONTAINS([{a: 1, b: {c: 2, d: 3}}], {b: {c: 2}}, true)", True),
    ("ARRAY_CONTAINS([{a: 1}], {a: 2}, true)", False),
    ("ARRAY_CONTAINS('ab', 'a')", UNDEFINED),
    ("_TRY_ARRAY_CONTAINS([1, 2], 2)", True),
    ("ARRAY_CONTAINS_ANY([1, true, '3', [1, 2]], 5, [1, 2])", True),
    ("ARRAY_CONTAINS_ANY([1, 2], 5, 6)", False),
    ("ARRAY_CONTAINS_ANY([], 1)", False),
    ("ARRAY_CONTAINS_ANY([1, 2], 1, undefined)", True),
    ("ARRAY_CONTAINS_ANY([1, 2], 5, undefined)", UNDEFINED),
    ("ARRAY_CONTAINS_ALL([1, 2, 3], 1, 3)", True),
    ("ARRAY_CONTAINS_ALL([1, 2, 3], 1, 4)", False),
    ("ARRAY_CONTAINS_ALL([1, 2], 1, undefined)", UNDEFINED),
    ("ARRAY_CONTAINS_ALL([1, 2], 5, undefined)", False),
    ("ARRAY_LENGTH([1, null, []])", 3),
    ("ARRAY_LENGTH('abc')", UNDEFINED),
    ("ARRAY_SLICE([1, 2, 3, 4], 1)", [2, 3, 4]),
    ("ARRAY_SLICE([1, 2, 3, 4], 1, 2)", [2, 3]),
    ("ARRAY_SLICE([1, 2, 3, 4], -2, 1)", [3]),
    ("ARRAY_SLICE([1, 2], -9)", [1, 2]),
    ("ARRAY_SLICE([1, 2], 0, 99)", [1, 2]),
    ("ARRAY_SLICE([1, 2], 0, -1)", []),
    ("ARRAY_SLICE([1, 2], 0.5)", UNDEFINED),
    ("ARRAY_SUM([1, 2, 3.5])", 6.5),
    ("ARRAY_SUM([])", 0),
    ("ARRAY_SUM([1, 'a'])", UNDEFINED),
    ("ARRAY_AVG([1, 2, 3])", 2),
    ("ARRAY_AVG([])", UNDEFINED),
    ("ARRAY_MEDIAN([5, 1, 3, 2])", 2.5),
    ("ARRAY_MIN([3, 1, 2])", 1),
    ("ARRAY_MIN([])", UNDEFINED),
    ("ARRAY_MAX([3, 'a', null])", "a"),
    ("CHOOSE(2, 'a', 'b', 'c')", "b"),
    ("CHOOSE(0, 'a')", UNDEFINED),
    ("CHOOSE(1, undefined, 'a')", UNDEFINED),
    ("OBJECTTOARRAY({a: 1, b: 'x'})", [{"k": "a", "v": 1}, {"k": "b", "v": "x"}]),
    ("OBJECTTOARRAY({a: 1}, 'name', 'value')", [{"name": "a", "value": 1}]),
    ("SETINTERSECT([1, 2, 3, 3], [3, 1.0])", [1, 3]),
    ("SETUNION([1, 2, 'A'], ['A', 1, 3])", [1, 2, "A", 3]),
    ("SETDIFFERENCE([1, 2, 2, 3], [2])", [1, 3]),
    ("SETEQUAL([1, 2, 2], [2, 1])", True),
    ("SETEQUAL([1, true], [1])", False),
]

MATHEMATICS = [
    ("ABS(-2.5)", 2.5),
    ("ABS('x')", UNDEFINED),
    ("ACOS(1)", 0),
    ("ACOS(42)", "NaN"),
    ("ASIN(1)", math.pi / 2),
    ("ATAN(1)", math.pi / 4),
    ("ATN2(1, -1)", 3 * math.pi / 4),
    ("CEILING(1.2)", 2),
    ("CEILING(-1.2)", -1),
    ("COS(0)", 1),
    ("COT(1)", 1 / math.tan(1)),
    ("COT(0)", "Infinity"),
    ("DEGREES(PI())", 180),
    ("EXP(0)", 1),
    ("EXP(1000)", "Infinity"),
    ("FLOOR(-1.2)", -2),
    ("LOG(1)", 0),
    ("LOG(8, 2)", 3),
    ("LOG(0)", "-Infinity"),
    ("LOG(-1)", "NaN"),
    ("LOG10(1000)", 3),
    ("PI()", math.pi),
    ("POWER(2, 10)", 1024),
    ("POWER(0, -1)", "Infinity"),
    ("POWER(10, 400)", "Infinity"),
    ("RADIANS(180)", math.pi),
    ("ROUND(2.5)", 3),
    ("ROUND(-2.5)", -3),
    ("ROUND(0.49999999999999994)", 0),
    ("ROUND(2.345, 1)", 2.3),
    ("ROUND(1250, -2)", 1300),
    ("ROUND(2.5, 0.5)", UNDEFINED),
    ("ROUND(2.25, 400)", 2.25),
    ("ROUND(2.25, -400)", 0),
    ("ROUND(Infinity)", "Infinity"),
    ("SIGN(-3)", -1),
    ("SIGN(0)", 0),
    ("SIN(0)", 0),
    ("SQRT(9)", 3),
    ("SQRT(-1)", "NaN"),
    ("SQUARE(3)", 9),
    ("TAN(0)", 0),
    ("TRUNC(-2.7)", -2),
    ("NUMBERBIN(37.752, 10)", 30),
    ("NUMBERBIN(37.752)", 37),
    ("NUMBERBIN(37.752, 0.01)", 37.75),
    ("NUMBERBIN(37.752, -100)", 100),
    ("NUMBERBIN(37.752, 0)", UNDEFINED),
    ("INTADD(20, 10)", 30),
    ("INTADD(20, 0.1)", UNDEFINED),
    ("INTADD(9223372036854775807, 1)", -9223372036854775808),
    ("INTSUB(5, 8)", -3),
    ("INTMUL(-3, 4)", -12),
    ("INTDIV(7, -2)", -3),
    ("INTDIV(10, 0)", UNDEFINED),
    ("INTMOD(12, -5)", 2),
    ("INTMOD(-12, -5)", -2),
    ("INTMOD(12, 0)", UNDEFINED),
    ("INTBITAND(12, 10)", 8),
    ("INTBITOR(12, 10)", 14),
    ("INTBITXOR(12, 10)", 6),
    ("INTBITNOT(12)", -13),
    ("INTBITNOT(1.5)", UNDEFINED),
    ("INTBITLEFTSHIFT(16, 4)", 256),
    ("INTBITLEFTSHIFT(16, 0.4)", UNDEFINED),
    ("INTBITLEFTSHIFT(1, 64)", UNDEFINED),
    ("INTBITRIGHTSHIFT(-16, 2)", -4),
    ("INTBITRIGHTSHIFT(16, -1)", UNDEFINED),
]

DATES = [
    ("GETCURRENTDATETIME()", "2026-03-04T05:06:07.8912340Z"),
    ("GETCURRENTDATETIMESTATIC()", "2026-03-04T05:06:07.8912340Z"),
    ("GETCURRENTTIMESTAMP()", 1772600767891),
    ("GETCURRENTTIMESTAMPSTATIC()", 1772600767891),
    ("GETCURRENTTICKS()", 17726007678912340),
    ("GETCURRENTTICKSSTATIC()", 17726007678912340),
    ("NOW()", "2026-03-04T05:06:07.8912340Z"),
    ("AGO('yyyy', 1)", "2025-03-04T05:06:07.8912340Z"),
    ("AGO('ss', -30)", "2026-03-04T05:06:37.8912340Z"),
    ("AGO('week', 1)", UNDEFINED),
    ("AGO('ss', 'x')", UNDEFINED),
    ("DATETIMEFORMAT('2024-10-10 14:40:20', 'yyyyMMdd')", "20241010"),
    ("DATETIMEFORMAT('2024-10-10 14:40:20', 'yyyy-MM-dd [HH:mm:ss]')", "2024-10-10 [14:40:20]"),
    (
        "DATETIMEFORMAT('2024-10-10T14:40:20Z', 'To\\\\da\\\\y i\\\\s: yyyy HH:mm:ss.fff')",
        "Today is: 2024 14:40:20.000",
    ),
    ("DATETIMEFORMAT('2024-01-02T00:04:05.1200Z', 'yy-M-d h:m:s tt .FFF')", "24-1-2 12:4:5 AM .12"),
    ("DATETIMEFORMAT('2024-01-02T15:04:05Z', 'hh tt')", "03 PM"),
    ("DATETIMEFORMAT('today', 'yyyy')", UNDEFINED),
    ("DATETIMEADD('yyyy', 1, '2020-07-03T00:00:00.0000000')", "2021-07-03T00:00:00.0000000Z"),
    ("DATETIMEADD('mm', 1, '2021-01-31T10:00:00Z')", "2021-02-28T10:00:00.0000000Z"),
    ("DATETIMEADD('dd', -1, '2020-07-03T00:00:00Z')", "2020-07-02T00:00:00.0000000Z"),
    ("DATETIMEADD('ss', 5 * -5, '2020-07-03T00:00:00.1234567Z')", "2020-07-02T23:59:35.1234567Z"),
    ("DATETIMEADD('ns', 250, '2020-07-03T00:00:00Z')", "2020-07-03T00:00:00.0000002Z"),
    ("DATETIMEADD('week', 1, '2020-07-03T00:00:00Z')", UNDEFINED),
    ("DATETIMEADD('dd', 0.5, '2020-07-03T00:00:00Z')", UNDEFINED),
    ("DATETIMEADD('dd', 1, 'yesterday')", UNDEFINED),
    ("DATETIMEADD('yyyy', 9000, '2020-07-03T00:00:00Z')", UNDEFINED),
    ("DATETIMEADD('dd', 9000000, '2020-07-03T00:00:00Z')", UNDEFINED),
    ("DATETIMEADD('yyyy', 1e300, '2020-07-03T00:00:00Z')", UNDEFINED),
    ("DATETIMEADD('ss', 1e300, '2020-07-03T00:00:00Z')", UNDEFINED),
    ("DATETIMEDIFF('yyyy', '2019-02-04T16:00:00.0000000', '2018-03-05T05:00:00.0000000')", -1),
    ("DATETIMEDIFF('mm', '2018-03-05T05:00:00.0000000', '2019-02-04T16:00:00.0000000')", 11),
    ("DATETIMEDIFF('hh', '2018-03-05T05:00:00.0000000', '2019-02-04T16:00:00.0000000')", 8075),
    ("DATETIMEDIFF('ss', '2019-02-04T16:00:00.0000000', '2018-03-05T05:00:00.0000000')", -29070000),
    ("DATETIMEDIFF('ns', '2020-01-01T00:00:00Z', '2020-01-01T00:00:00.0000003Z')", 300),
    ("DATETIMEDIFF('dd', '2020-01-01T00:00:00Z', 'x')", UNDEFINED),
    ("DATETIMEPART('yyyy', '2016-05-29T08:30:00.1301617')", 2016),
    ("DATETIMEPART('mm', '2016-05-29T08:30:00.1301617')", 5),
    ("DATETIMEPART('mi', '2016-05-29T08:30:00.1301617')", 30),
    ("DATETIMEPART('ms', '2016-05-29T08:30:00.1301617')", 130),
    ("DATETIMEPART('mcs', '2016-05-29T08:30:00.1301617')", 130161),
    ("DATETIMEPART('ns', '2016-05-29T08:30:00.1301617')", 130161700),
    ("DATETIMEPART('era', '2016-05-29T08:30:00')", UNDEFINED),
    ("YEAR('2016-05-29T08:30:00Z')", 2016),
    ("MONTH('2016-05-29T08:30:00Z')", 5),
    ("DAY('2016-05-29T08:30:00Z')", 29),
    ("DATETIMEBIN('2021-01-08T18:35:00.0000000', 'hh')", "2021-01-08T18:00:00.0000000Z"),
    ("DATETIMEBIN('2021-01-08T18:35:00.0000000', 'hh', 5)", "2021-01-08T15:00:00.0000000Z"),
    ("DATETIMEBIN('2021-01-08T18:35:00.0000000', 'dd', 7)", "2021-01-07T00:00:00.0000000Z"),
    ("DATETIMEBIN('2021-01-08T18:35:00', 'dd', 7, '1601-01-01T00:00:00')", "2021-01-04T00:00:00.0000000Z"),
    ("DATETIMEBIN('2021-05-08T18:35:00', 'mm', 3)", "2021-04-01T00:00:00.0000000Z"),
    ("DATETIMEBIN('2021-05-08T18:35:00', 'dd', 0)", UNDEFINED),
    ("DATETIMEFROMPARTS(2017, 4, 20)", "2017-04-20T00:00:00.0000000Z"),
    ("DATETIMEFROMPARTS(2017, 4, 20, 13, 15, 20, 3456789)", "2017-04-20T13:15:20.3456789Z"),
    ("DATETIMEFROMPARTS(2017, 4, 20, 13, 15)", "2017-04-20T13:15:00.0000000Z"),
    ("DATETIMEFROMPARTS(-2000, -1, -1)", UNDEFINED),
    ("DATETIMEFROMPARTS(2017, 2, 30)", UNDEFINED),
    ("DATETIMEFROMPARTS(2017, 2.5, 3)", UNDEFINED),
    ("DATETIMEFROMPARTS(2017, 2, 3, 0, 0, 0, 10000000)", UNDEFINED),
    ("DATETIMETOTICKS('2020-01-02T03:04:05Z')", 15779342450000000),
    ("DATETIMETOTICKS('2020-13-02T03:04:05Z')", UNDEFINED),
    ("DATETIMETOTIMESTAMP('2020-07-09')", 1594252800000),
    ("DATETIMETOTIMESTAMP('2020-07-09T23:20:13.4575530Z')", 1594336813457),
    ("TICKSTODATETIME(15943368134575530)", "2020-07-09T23:20:13.4575530Z"),
    ("TIMESTAMPTODATETIME(1594227912345)", "2020-07-08T17:05:12.3450000Z"),
    ("TIMESTAMPTODATETIME(0.5)", UNDEFINED),
    ("TICKSTODATETIME(1e300)", UNDEFINED),
]

POINT = "{type: 'Point', coordinates: [30, 10]}"
SQUARE = "{type: 'Polygon', coordinates: [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]}"
PIERCED = (
    "{type: 'Polygon', coordinates: [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]],"
    " [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]]}"
)
FAR_SQUARE = "{type: 'Polygon', coordinates: [[[20, 0], [25, 0], [25, 5], [20, 5], [20, 0]]]}"

OTHERS = [
    ("IIF(1 = 1, 'a', 'b')", "a"),
    ("IIF(42, 'a', 'b')", "b"),
    ("IIF(undefined, 'a', 'b')", "b"),
    ("DOCUMENTID({_rid: 'bw0nAMAAAgAKAAAAAAAAAA=='})", 10),
    ("DOCUMENTID({_rid: 'short'})", UNDEFINED),
    ("DOCUMENTID({})", UNDEFINED),
    ("FULLTEXTCONTAINS('The red bicycles, parked', 'bicycle')", True),
    ("FULLTEXTCONTAINS('The red bicycles', 'red bicycle')", True),
    ("FULLTEXTCONTAINS('The red old bicycles', 'red bicycle')", False),
    ("FULLTEXTCONTAINS('swimming', 'swim')", True),
    ("FULLTEXTCONTAINS('abc', '!')", False),
    ("FULLTEXTCONTAINSALL('red bicycle', 'bicycle', 'red')", True),
    ("FULLTEXTCONTAINSALL('red bicycle', 'bicycle', 'blue')", False),
    ("FULLTEXTCONTAINSANY('red bicycle', 'blue', 'red')", True),
    ("FULLTEXTCONTAINSANY(5, 'blue')", UNDEFINED),
    ("_FULLTEXTWORDCOUNT('one two, three')", 3),
    ("_FULLTEXTWORDCOUNT(undefined)", 0),
    ("_FULLTEXTSCORE('no match', ['swim'], 10, 100, [3])", 0),
    ("_FULLTEXTSCORE('swim', ['swim'], 10, 100, [])", UNDEFINED),
    ("_FULLTEXTSCORE('swim', ['swim'], 4, 4, [1])", math.log(1 + 3.5 / 1.5)),
    ("VECTORDISTANCE([1, 0], [1, 0])", 1),
    ("VECTORDISTANCE([1, 0], [0, 1], false, {distanceFunction: 'cosine'})", 0),
    ("VECTORDISTANCE([0, 3], [4, 0], true, {distanceFunction: 'Euclidean'})", 5),
    ("VECTORDISTANCE([1, 2], [3, 4], true, {distanceFunction: 'dotproduct'})", 11),
    ("VECTORDISTANCE([1, 2], [3, 4, 5])", UNDEFINED),
    ("VECTORDISTANCE([1, 2], [3, 'a'])", UNDEFINED),
    (f"ST_DISTANCE({POINT}, {POINT})", 0),
    (f"ST_DISTANCE({SQUARE}, {{type: 'Point', coordinates: [5, 5]}})", 0),
    (f"ST_DISTANCE({POINT}, 5)", UNDEFINED),
    ("ST_DISTANCE({type: 'Point', coordinates: [0, 91]}, {type: 'Point', coordinates: [0, 0]})", UNDEFINED),
    (f"ST_INTERSECTS({SQUARE}, {{type: 'LineString', coordinates: [[-1, 5], [11, 5]]}})", True),
    (f"ST_INTERSECTS({SQUARE}, {FAR_SQUARE})", False),
    ("ST_INTERSECTS({type: 'MultiPoint', coordinates: [[1, 1], [2, 2]]}, {type: 'Point', coordinates: [2, 2]})", True),
    (f"ST_WITHIN({{type: 'Point', coordinates: [5, 5]}}, {SQUARE})", True),
    (f"ST_WITHIN({{type: 'Point', coordinates: [5, 5]}}, {PIERCED})", False),
    (f"ST_WITHIN({POINT}, {{type: 'MultiPolygon', coordinates: [[[[29, 9], [31, 9], [30, 12], [29, 9]]]]}})", True),
    ("ST_WITHIN({type: 'MultiLineString', coordinates: [[[1, 1], [2, 2]]]}, " + SQUARE + ")", True),
    (f"ST_ISVALID({SQUARE})", True),
    ("ST_ISVALID({type: 'Polygon', coordinates: [[[0, 0], [1, 1], [1, 0]]]})", False),
    ("ST_ISVALID(42)", False),
    (f"ST_ISVALIDDETAILED({POINT})", {"valid": True}),
    (
        "ST_ISVALIDDETAILED({type: 'Point', coordinates: [181, 0]})",
        {"valid": False, "reason": "Longitude values must be between -180 and 180 degrees."},
    ),
    (
        "ST_ISVALIDDETAILED({type: 'Point', coordinates: []})",
        {"valid": False, "reason": "A position needs a longitude and a latitude."},
    ),
    (
        "ST_ISVALIDDETAILED({type: 'LineString'})",
        {"valid": False, "reason": "The coordinates are missing."},
    ),
]

TABLE = [*TYPE_CHECKS, *STRINGS, *ARRAYS, *MATHEMATICS, *DATES, *OTHERS]
# Those whose values are checked by tests of their own.
ELSEWHERE = {"RAND", "ST_AREA"}


@pytest.mark.parametrize(("expression", "expected"), TABLE, ids=[expression[:80] for expression, _ in TABLE])
def test_gives(run: Run, expression: str, expected: Any) -> None:
    rows = run(f"SELECT VALUE {expression}")
    if expected is UNDEFINED:
        assert rows == []
        return
    assert len(rows) == 1
    if isinstance(expected, float):
        assert rows[0] == pytest.approx(expected, abs=1e-12)
    else:
        assert rows[0] == expected
        assert type(rows[0]) is type(expected)


def test_the_table_has_every_function() -> None:
    called = {name for expression, _ in TABLE for name in re.findall(r"[A-Z_0-9]+(?=\()", expression)}
    assert called | ELSEWHERE == set(FUNCTIONS)


def test_names_are_case_insensitive(run: Run) -> None:
    assert run("SELECT VALUE StringToNumber(Concat('1', '2'))") == [12]


def test_rand_differs_from_row_to_row_and_stays_below_one(run: Run) -> None:
    values = run("SELECT VALUE RAND() FROM c", [{}] * 50)
    assert len(set(values)) == 50
    assert all(0 <= value < 1 for value in values)


def test_a_degree_of_latitude_is_111_kilometres(run: Run) -> None:
    [distance] = run(
        "SELECT VALUE ST_DISTANCE({type: 'Point', coordinates: [7, 50]}, {type: 'Point', coordinates: [7, 51]})"
    )
    assert distance == pytest.approx(111_195, rel=0.005)


def test_the_distance_to_an_edge_is_not_that_to_its_ends(run: Run) -> None:
    edge = "{type: 'LineString', coordinates: [[0, 0], [10, 0]]}"
    [distance] = run(f"SELECT VALUE ST_DISTANCE({{type: 'Point', coordinates: [5, 1]}}, {edge})")
    assert distance == pytest.approx(111_195, rel=0.005)


def test_an_area_is_without_its_holes(run: Run) -> None:
    [whole] = run(f"SELECT VALUE ST_AREA({SQUARE})")
    [pierced] = run(f"SELECT VALUE ST_AREA({PIERCED})")
    assert whole == pytest.approx(1.233e12, rel=0.01)
    assert whole - pierced == pytest.approx(4 * 1.236e10, rel=0.02)


def test_an_unknown_function_is_refused_where_it_stands() -> None:
    with pytest.raises(QueryError) as refused:
        compile_query("SELECT BADFUNC(c.age) FROM c")
    assert refused.value.code == "SC2005"
    assert refused.value.span == (7, 14)
    assert refused.value.message == "'BADFUNC' is not a recognized built-in function name."


@pytest.mark.parametrize(
    ("call", "count"),
    [
        ("PI(1)", "0"),
        ("ABS()", "1"),
        ("LEFT('a')", "2"),
        ("CONTAINS('a', 'b', true, 1)", "2 to 3"),
        ("CONCAT('a')", "at least 2"),
        ("COUNT(1, 2)", "1"),
    ],
)
def test_a_wrong_number_of_arguments_is_refused(call: str, count: str) -> None:
    with pytest.raises(QueryError) as refused:
        compile_query(f"SELECT VALUE {call}")
    name = call.split("(")[0]
    assert refused.value.code == "SC2050"
    assert refused.value.message == f"The {name} function requires {count} argument(s)."


def test_a_user_defined_function_compiles_but_is_not_there(run: Run) -> None:
    with pytest.raises(QueryError, match=r"udf\.tax"):
        run("SELECT udf.tax(c.price) FROM c", [{"price": 1}])
