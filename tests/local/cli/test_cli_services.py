from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from local.__main__ import main
from local.cli.app_settings import SETTINGS, TEMPLATE, render
from local.cli.services import LogFollower, Service, raise_if_dead, stop, take_port, wait_until_healthy
from local.cli.terminal import CommandError

ROOT = Path(__file__).resolve().parents[3]


def a_service(folder: Path, *arguments: str, module: str = "http.server") -> Service:
    port = take_port(0, "--port")
    given = list(arguments) or [str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    return Service("the web server", module, given, f"http://127.0.0.1:{port}/", folder / "logs" / "web.log")


def test_a_service_answers_and_stops(tmp_path: Path) -> None:
    service = a_service(tmp_path)
    service.start()
    wait_until_healthy([service])
    assert service.healthy()
    stop([service])
    assert not service.healthy()
    assert service.exit_code is not None
    assert '"GET / HTTP/1.1" 200' in service.log.read_text()


def test_a_service_that_dies_is_noticed_with_its_last_words(tmp_path: Path) -> None:
    service = a_service(tmp_path, "--no-such-option")
    service.start()
    with pytest.raises(CommandError, match=r"(?s)the web server ended with exit code 2.*--no-such-option"):
        wait_until_healthy([service])
    stop([service])


def test_a_service_that_does_not_answer_in_time_is_named(tmp_path: Path) -> None:
    service = a_service(tmp_path)
    service.start()
    service.health_url += "not-there"
    try:
        with pytest.raises(CommandError, match=r"the web server does not answer at .*not-there"):
            wait_until_healthy([service], deadline_seconds=0.3)
        raise_if_dead(service)
    finally:
        stop([service])


def test_a_new_start_keeps_the_last_log(tmp_path: Path) -> None:
    service = a_service(tmp_path, "--no-such-option")
    for _ in range(2):
        service.start()
        assert service.process
        service.process.wait(30)
        stop([service])
    assert "--no-such-option" in service.log.read_text()
    assert "--no-such-option" in service.log.with_name("web.log.1").read_text()


def test_a_taken_port_is_named_with_its_flag() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=rf"port {port} can't be used .* --cosmos-port"):
            take_port(port, "--cosmos-port")
    assert take_port(port, "--cosmos-port") == port


@pytest.mark.parametrize("port", ["65536", "-1", "http", ""])
def test_what_is_no_port_is_wrong_usage(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_code:
        main(["up", f"--entra-port={port}"])
    assert exit_code.value.code == 2
    assert "is not a port" in capsys.readouterr().err


STARTER = """
    import sys
    from pathlib import Path
    from local.cli.services import Service, wait_until_healthy

    port, folder = sys.argv[1], Path(sys.argv[2])
    arguments = [port, "--bind", "127.0.0.1", "--directory", str(folder)]
    service = Service("web", "http.server", arguments, f"http://127.0.0.1:{port}/", folder / "web.log")
    service.start()
    wait_until_healthy([service])
    print("started", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="needs a signal that can't be caught")
def test_a_service_does_not_outlive_a_starter_that_was_killed(tmp_path: Path) -> None:
    port = take_port(0, "--port")
    command = [sys.executable, "-c", textwrap.dedent(STARTER), str(port), str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as starter:
        assert starter.stdout
        assert starter.stdout.readline() == "started\n"
        starter.send_signal(signal.SIGKILL)
        starter.wait(30)
    until_nobody_listens(port)


def until_nobody_listens(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    pytest.fail(f"port {port} is still served")


def test_a_log_is_followed_from_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "a.log"
    log.write_text("before\n")
    with LogFollower(log), log.open("a") as more:
        more.write("during\n")
    assert capsys.readouterr().out == "before\nduring\n"


TEMPLATE_TEXT = """{"Values": {"COSMOS": "http://127.0.0.1:${PORT}/", "FIXED": "for ever", "PRICE": "$$5"}}"""


def test_settings_are_written_once_and_those_with_ports_are_returned(tmp_path: Path) -> None:
    (tmp_path / TEMPLATE).write_text(TEMPLATE_TEXT)
    defaults = {"PORT": "8081"}
    assert render(tmp_path, {"PORT": "1"}, defaults)["COSMOS"] == "http://127.0.0.1:1/"
    written = json.loads((tmp_path / SETTINGS).read_text())
    assert written == {"Values": {"COSMOS": "http://127.0.0.1:8081/", "FIXED": "for ever", "PRICE": "$5"}}
    (tmp_path / SETTINGS).write_text("edited")
    assert render(tmp_path, {"PORT": "2"}, defaults)["COSMOS"] == "http://127.0.0.1:2/"
    assert (tmp_path / SETTINGS).read_text() == "edited"
    (tmp_path / SETTINGS).write_text('{"Values": {"FIXED": "by hand", "COSMOS": "by hand"}}')
    assert render(tmp_path, {"PORT": "2"}, defaults) == {"COSMOS": "http://127.0.0.1:2/", "PRICE": "$5"}


def test_an_app_without_a_template_needs_no_settings(tmp_path: Path) -> None:
    assert render(tmp_path, {"PORT": "1"}, {"PORT": "1"}) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ['{"Values": {"A": "${NOBODY}"}}', "{", '{"Values": {"A": "$"}}', "{}"])
def test_a_broken_template_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / TEMPLATE).write_text(text)
    with pytest.raises(CommandError, match=TEMPLATE):
        render(tmp_path, {"PORT": "1"}, {"PORT": "1"})
    assert not (tmp_path / SETTINGS).exists()
