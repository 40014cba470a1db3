"""What a `User-Agent` header says, whoever sends it."""
# ruff: noqa: E501  (one header a line)

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.user_agent import MAX_BROWSER_LENGTH, MAX_HEADER_LENGTH, Client, parse_user_agent

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
TRAFFIC = Path(__file__).parents[3].parent / "shared/data/traffic/turns.jsonl.gz"


@pytest.mark.parametrize(
    ("header", "device_type", "browser", "platform"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/139.0.0.0 Safari/537.36", "desktop", "Chrome", "windows"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0", "desktop", "Edge", "windows"),
        ("Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0; Touch; Tablet PC 2.0)", "desktop", "IE", "windows"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) {APPLE} Version/18.0 Safari/605.1.15", "desktop", "Safari", "mac"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "desktop", "Firefox", "linux"),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "desktop", "Firefox", "linux"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "desktop", "Chrome", "chromeos"),
        (f"Mozilla/5.0 (Linux; Android 15; Pixel 8) {WEBKIT} Chrome/138.0.0.0 Mobile Safari/537.36", "mobile", "Chrome Mobile", "android"),
        (f"Mozilla/5.0 (Linux; Android 13; SM-X906C) {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "tablet", "Chrome", "android"),
        ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "mobile", "Firefox Mobile", "android"),
        ("Mozilla/5.0 (Android 14; Tablet; rv:127.0) Gecko/127.0 Firefox/127.0", "tablet", "Firefox Mobile", "android"),
        ("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A)", "mobile", "Android", "android"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {APPLE} Version/18.1 Mobile/15E148 Safari/604.1", "mobile", "Mobile Safari", "ios"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {APPLE} CriOS/126.0 Mobile/15E148 Safari/604.1", "mobile", "Chrome Mobile iOS", "ios"),
        (f"Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) {APPLE} Version/18.0 Mobile/15E148 Safari/604.1", "tablet", "Mobile Safari", "ios"),
        ("VimarshApp/1.0 CFNetwork/1496 Darwin/23.5.0", "mobile", "VimarshApp", "ios"),
        ("Mozilla/5.0 (Mobile; LYF/F90M/LYF; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.0", "mobile", "Firefox Mobile", "other"),
        (f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {WEBKIT} SamsungBrowser/2.2 Chrome/63 TV Safari/537.36", None, "Samsung Internet", "other"),
        ("Mozilla/5.0 (X11; FreeBSD amd64; rv:130.0) Gecko/20100101 Firefox/130.0", None, "Firefox", "other"),
        ("python-requests/2.32.3", "bot", "Python Requests", None),
        ("python-httpx/0.28.1", "bot", None, None),
        ("curl/8.5.0", "bot", "curl", None),
        ("Go-http-client/1.1", "bot", "Go-http-client", None),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot", "Googlebot", None),
        (f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) {WEBKIT} Chrome/1 Mobile Safari/537.36 (compatible; Googlebot/2.1)", "bot", "Googlebot", "android"),
        (f"Mozilla/5.0 {WEBKIT}; compatible; GPTBot/1.2; +https://openai.com/gptbot)", "bot", "GPTBot", None),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} HeadlessChrome/126.0.0.0 Safari/537.36", "bot", "HeadlessChrome", "windows"),
        ("Dart/3.4 (dart:io)", None, None, None),
        ("okhttp/4.12.0", "bot", "okhttp", None),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/17.5 Mobile/15E148 Safari/604.1", "tablet", "Safari", "ios"),
        ("VimarshApp/2.1 (Android 14; Pixel 8) okhttp/4.12.0", "mobile", "okhttp", "android"),
        ("hello", None, None, None),
    ],
)  # fmt: skip
def test_a_header_tells_device_browser_and_platform(
    header: str, device_type: str | None, browser: str | None, platform: str | None
) -> None:
    client = parse_user_agent(header)
    assert (client.device_type, client.browser, client.platform) == (device_type, browser, platform)


@pytest.mark.parametrize(
    "header",
    [
        "node",
        "undici",
        "OpenAI/JS 4.52.0",
        "AsyncOpenAI/Python 1.40.0",
        "Anthropic/JS 0.27.1",
        "Deno/1.45.2",
        "Bun/1.1.20",
        "Java/17.0.11",
        "Java-http-client/21.0.2",
        "Jakarta Commons-HttpClient/3.1",
        "RestSharp/112.0.0.0",
        "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621.3880",
        "Mozilla/5.0 (Linux; Ubuntu 22.04; en-US) PowerShell/7.4.3",
        "k6/0.52.0 (https://k6.io/)",
        "Grafana k6/1.0.0",
        "got (https://github.com/sindresorhus/got)",
        "axios/1.7.2",
        "reqwest/0.12.5",
        "HTTPie/3.2.3",
        "Ruby",
        "Faraday v2.9.2",
        "PHP/8.3.9",
        "GuzzleHttp/7",
        "hackney/1.20.1",
        "ReactorNetty/1.1.20",
        "ktor-client",
        "Apache-HttpClient/5.3.1 (Java/21)",
        "python-urllib3/2.2.2",
        "libcurl/8.5.0 r-curl/5.2.1 httr/1.4.7",
        "HTTP.jl/1.10.0",
        "axios",
    ],
)
def test_programs_of_every_language_are_programs(header: str) -> None:
    assert parse_user_agent(header).device_type == "bot"


@pytest.mark.parametrize(
    "header",
    [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Nodebook/1 Safari/537.36",
        "Requestly/1.0 CFNetwork/1496 Darwin/23.5.0",
        "Gotham/3.1 (iPhone; iOS 17.5)",
        "Javanese-Keyboard/2.0 (Android 13)",
    ],
)
def test_a_name_that_only_begins_like_a_programs_is_none(header: str) -> None:
    assert parse_user_agent(header).device_type != "bot"


@pytest.mark.parametrize("header", [None, "", " ", "-", ";;;;;", "\x00\r\n", "😀" * 100])
def test_a_header_that_tells_nothing_gives_an_empty_client(header: str | None) -> None:
    assert parse_user_agent(header) == Client()


def test_what_follows_the_longest_sensible_header_is_not_looked_at() -> None:
    padding = "x" * MAX_HEADER_LENGTH
    assert parse_user_agent(padding + "python-requests/2.32.3") == parse_user_agent(padding)
    assert parse_user_agent("python-requests/2.32.3 " + "(" * 10_000).device_type == "bot"


def test_a_browser_named_by_the_header_itself_is_cut() -> None:
    client = parse_user_agent("A" * 100 + "/1.0 CFNetwork/1496 Darwin/23.5.0")
    assert client.browser == "A" * MAX_BROWSER_LENGTH


@given(st.text(max_size=2000))
def test_any_text_is_a_header(header: str) -> None:
    client = parse_user_agent(header)
    assert Client.model_validate(client.model_dump()) == client == parse_user_agent(header)


@pytest.mark.skipif(not TRAFFIC.exists(), reason="the shared traffic is not here")
def test_every_client_of_the_traffic_is_known() -> None:
    with gzip.open(TRAFFIC, "rt", encoding="utf-8") as lines:
        headers = {json.loads(line)["user_agent"] for line in lines}
    clients = [parse_user_agent(header) for header in sorted(headers)]
    assert {client.device_type for client in clients} == {"mobile", "desktop", "tablet", "bot"}
    assert {client.platform for client in clients} == {"windows", "mac", "linux", "ios", "android", None}
    assert all(client.browser for client in clients)
