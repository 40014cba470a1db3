"""The names that programs give themselves in a `User-Agent` header: libraries, tools and SDKs of every language."""

from __future__ import annotations

import re

_FIRST = """
node node.js node-fetch node-superagent superagent undici got axios ky needle bent phin deno bun openai
asyncopenai azureopenai asyncazureopenai anthropic asyncanthropic okhttp okhttp3 java java-http-client
apache-httpclient apache-httpasyncclient jakarta unirest-java jersey feign retrofit reactornetty ahc
async-http-client vert.x-webclient jetty ktor-client ktor akka-http pekko-http sttp clj-http http-kit
restsharp flurl httpclient .net dotnet powershell windowspowershell pwsh k6 reqwest hyper ureq surf isahc
attohttpc httpie xh curl libcurl wget aria2 go-http-client go-resty resty fasthttp req colly heimdall ruby
faraday typhoeus httparty rest-client mechanize http.rb excon perl lwp libwww-perl http-tiny mojolicious php
guzzle guzzlehttp symfony buzz r httr httr2 rcurl crul julia http.jl elixir hackney finch mint tesla erlang
crystal nim nim-httpclient luasocket lua-resty-http lua haskell http-client http-conduit swift alamofire-cli
cpr libcpr cpp-httplib boost.beast poco ocaml cohttp python python-requests python-httpx python-urllib httpx
requests urllib3 aiohttp tornado pycurl scrapy treq gatling artillery vegeta hey wrk wrk2 apachebench siege
autocannon bombardier fortio oha locust jmeter drill postmanruntime insomnia bruno-runtime hoppscotch paw
rapidapi httpyac vscode-restclient yaak langchain llama-index llamaindex litellm langfuse semantic-kernel
autogen crewai google-genai-sdk mistral-client-python cohere ollama boto3 botocore aws-cli aws-sdk-js
aws-sdk-go aws-sdk-java google-api-python-client grpc-node grpc-go grpc-python n8n zapier pipedream node-red
make
"""
_ANYWHERE = """
python aiohttp curl/ wget/ go-http-client apache-httpclient axios/ node-fetch undici libwww-perl guzzle
postmanruntime insomnia/ scrapy/ azsdk- powershell/ restsharp/ reqwest/ httpie/ openai/ anthropic/ grafana
headlesschrome phantomjs puppeteer playwright selenium webdriver cypress chatgpt-user claude-user
perplexity-user bot/
"""

_NAMES = frozenset(_FIRST.split())
_MARKS = tuple(_ANYWHERE.split())
_FIRST_NAME = re.compile(r"\s*([^\s/(;,]+)")


def is_program(header: str) -> bool:
    """Whether a header, in lower case, is a program's, without a person before it.

    Libraries are known by the name that a header begins with: an app that sends its own name before that of its library
    speaks for a person. `dart` and `cfnetwork` are missing on purpose: they are what apps on phones send that name
    nothing else.
    """
    first = _FIRST_NAME.match(header)
    return bool(first and first[1] in _NAMES) or any(mark in header for mark in _MARKS)
