from __future__ import annotations

import socket
from typing import Any

import jwt
import pytest

from local.__main__ import main
from local.entra.identity import oid_of


def claims_of(text: str) -> dict[str, Any]:
    assert text.endswith("\n")
    assert len(text.split()) == 1, "the token and nothing else"
    return jwt.decode(text.strip(), options={"verify_signature": False})


def test_a_users_token_is_all_that_is_printed(issuer_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    roles = ["--role", "Vimarsh.Admin", "--role", "Vimarsh.Moderator"]
    assert main(["token", "--user", "alice@contoso.example", *roles, "--entra-url", f"{issuer_url}/"]) == 0
    claims = claims_of(capsys.readouterr().out)
    assert claims["oid"] == oid_of("alice@contoso.example")
    assert claims["roles"] == ["Vimarsh.Admin", "Vimarsh.Moderator"]


def test_an_apps_token_may_ingest_unless_other_roles_are_given(
    issuer_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for more, roles in (([], ["Vimarsh.Ingest"]), (["--role", "Vimarsh.Admin"], ["Vimarsh.Admin"])):
        assert main(["token", "--app", *more, "--entra-url", issuer_url]) == 0
        claims = claims_of(capsys.readouterr().out)
        assert claims["roles"] == roles
        assert claims["idtyp"] == "app"


def test_name_and_lifetime_can_be_chosen(issuer_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["token", "--user", "al@contoso.example", "--name", "Al Azar", "--lifetime", "60"]
    assert main([*command, "--entra-url", issuer_url]) == 0
    claims = claims_of(capsys.readouterr().out)
    assert claims["name"] == "Al Azar"
    assert claims["exp"] - claims["iat"] == 60


def test_tenant_client_and_claims_can_be_chosen(issuer_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    tenant, client = "4d5e0000-0000-4000-8000-76696d617273", "5e48e401-0000-4000-8000-76696d617273"
    odd = ["--claim", 'preferred_username="+49 151"', "--claim", "email=null"]
    user = ["--user", "a@b.example", "--tenant", tenant, *odd]
    assert main(["token", *user, "--entra-url", issuer_url]) == 0
    claims = claims_of(capsys.readouterr().out)
    assert (claims["tid"], claims["preferred_username"]) == (tenant, "+49 151")
    assert "email" not in claims
    assert main(["token", "--app", "--client-id", client, "--entra-url", issuer_url]) == 0
    claims = claims_of(capsys.readouterr().out)
    assert claims["azp"] == client


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "name a --user"),
        (["--app", "--user", "a@b.example"], "not both"),
        (["--user", "alice"], "is not an e-mail address"),
        (["--app", "--tenant", "mine"], "is not a GUID"),
        (["--app", "--claim", "email=a@b"], "is not JSON"),
    ],
)
def test_wrong_usage_is_told(
    issuer_url: str, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", *arguments, "--entra-url", issuer_url]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert reason in captured.err
    assert "{" not in captured.err


def test_an_issuer_that_is_not_there_is_told_with_what_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert main(["token", "--app", "--entra-url", nobody]) == 1
    assert "python -m local up" in capsys.readouterr().err


def test_a_url_without_a_scheme_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_code:
        main(["token", "--app", "--entra-url", "127.0.0.1:8400"])
    assert exit_code.value.code == 2
    assert "is not a URL" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["up"], ["token"], ["query"], ["replay"], ["provision"]])
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_code:
        main([*command, "--help"])
    assert exit_code.value.code == 0
    assert " ".join(["usage: python -m local", *command]) in capsys.readouterr().out
