"""The image, the compose file and the files for Railway: what they name exists, and nothing of them is an open door."""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli import health, secrets
from app.cli.main import COMMANDS
from app.config import Settings
from app.ui import sql_tools
from app.ui.proxy_rules import SIGN_IN_HEADER

ROOT = Path(__file__).parents[1]
DOCKERFILES = ("Dockerfile", "docker/superset/Dockerfile")
RAILWAY = ("railway.json", "railway.worker.json", "railway.scheduler.json")

NOT_PASSED = {
    "host": "the image listens on every address of the container",
    "port": "the port inside the container is fixed; PORT says which one of the machine is published",
    "data_dir": "a volume of the image",
    "contracts_dir": "the image brings the contracts along",
    "test_report_file": "no tests run in a container",
    "secret_pem": "the server needs no secret key; the demo gets it",
}
"""Settings that the compose file does not pass, and why."""
ELSEWHERE: set[str] = set()
"""Settings of the tools that pages will show, which the compose file passes already."""

CHOSEN_BY_PEOPLE = {"IMAGE_TAG", "BIND_ADDRESS", "PORT"}
"""Names in the compose file that concern Docker and not the application."""


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())  # type: ignore[no-any-return]


SERVICES: dict[str, dict[str, Any]] = compose()["services"]
OURS = [name for name, service in SERVICES.items() if service.get("build") == "."]
LASTING = [name for name, service in SERVICES.items() if service.get("restart") != "no"]


def instructions(path: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, continued lines put together."""
    whole = re.sub(r"\\\n", " ", (ROOT / path).read_text())
    lines = [line for line in whole.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1].strip()) for line in lines]


def exists(command: list[str]) -> None:
    """Fails unless the command is one that this repository or its requirements have."""
    names = (ROOT / "requirements.txt").read_text()
    match command:
        case ["python", "-m", "app", verb, *_]:
            import argparse

            subparsers = argparse.ArgumentParser().add_subparsers()
            for module in COMMANDS:
                module.add_command(subparsers)
            assert verb in {*subparsers.choices, "demo", "load"}
        case ["python", "-m", "app.cli.health", kind]:
            assert kind in health.KINDS
        case ["python", "-m", "dramatiq" as package, module, *_] | ["periodiq" as package, module]:
            assert re.search(rf"^{package}(\[redis\])?==", names, re.MULTILINE)
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
        case _:
            raise AssertionError(f"unknown command {command}")


def test_every_service_of_the_system_is_there() -> None:
    assert set(SERVICES) >= {"fastapi-app", "worker", "scheduler", "postgres-db", "redis", "sqlpad", "migrate"}
    assert SERVICES["superset"]["profiles"] == ["superset"]
    assert {SERVICES[name]["image"] for name in OURS} == {"seventaps-analytics:${IMAGE_TAG:-local}"}
    assert {"fastapi-app", "worker", "scheduler", "migrate"} <= set(OURS)


@pytest.mark.parametrize("path", DOCKERFILES)
def test_images_are_built_on_pinned_ones_and_end_as_nobody(path: str) -> None:
    steps = instructions(path)
    stages = {rest.split()[-1] for word, rest in steps if word == "FROM" and " AS " in rest}
    for base in (rest.split()[0] for word, rest in steps if word == "FROM"):
        assert base in stages or re.search(r":\d+\.\d+\.\d+", base), f"{base} is not pinned"
    last = [rest for word, rest in steps if word == "USER"][-1]
    assert last.split(":")[0] not in ("root", "0")
    assert not [rest for word, rest in steps if word == "ADD"]
    assert not [
        rest for word, rest in steps if word in ("ENV", "ARG") and re.search(r"(PASSWORD|SECRET|TOKEN|PEM)", rest)
    ]


def test_the_image_installs_only_what_is_locked_and_says_how_it_is() -> None:
    steps = instructions("Dockerfile")
    installs = [rest for word, rest in steps if word == "RUN" and "pip install" in rest]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "|| true" not in installs[0]
    assert len([1 for word, _ in steps if word == "FROM"]) == 2
    healths = [rest for word, rest in steps if word == "HEALTHCHECK"]
    exists(json.loads(healths[0].partition("CMD ")[2]))
    # A list: with a string a shell stands between Docker and the process, and SIGTERM never arrives.
    exists(json.loads(next(rest for word, rest in steps if word == "CMD")))
    assert ("STOPSIGNAL", "SIGTERM") in steps


def test_the_image_holds_what_it_needs_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    let_in = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source
        for word, rest in instructions("Dockerfile")
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize("name", LASTING)
def test_what_keeps_running_is_watched_bounded_and_told_to_stop(name: str) -> None:
    service = SERVICES[name]
    if name != "fastapi-app":  # its image says how it is
        assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert all(service[limit] for limit in ("cpus", "mem_limit", "pids_limit"))


@pytest.mark.parametrize("name", [*OURS, "postgres-db", "redis"])
def test_root_file_systems_are_read_only(name: str) -> None:
    assert SERVICES[name]["read_only"] is True
    assert any(mount.startswith("/tmp") for mount in SERVICES[name]["tmpfs"])
    if name not in OURS:
        assert SERVICES[name]["user"].split(":")[0] not in ("0", "root")


def test_images_of_others_are_pinned() -> None:
    for name, service in SERVICES.items():
        if "build" not in service:
            assert re.search(r":\d+\.\d+(\.\d+)?(-\w+)?$", service["image"]), f"{name}: {service['image']}"
    assert SERVICES["sqlpad"]["image"] == "sqlpad/sqlpad:7.5.6"


def test_only_the_application_has_a_published_port_and_that_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"fastapi-app": ["${BIND_ADDRESS:-127.0.0.1}:${PORT:-8000}:8000"]}
    assert not [name for name, service in SERVICES.items() if service.get("network_mode") or service.get("privileged")]


def test_stores_and_sql_are_out_of_reach_from_outside_and_from_each_other() -> None:
    networks = compose()["networks"]
    assert networks["stores"]["internal"]
    assert networks["sql"]["internal"]
    assert SERVICES["redis"]["networks"] == ["stores"]
    assert set(SERVICES["postgres-db"]["networks"]) == {"stores", "sql"}
    assert SERVICES["sqlpad"]["networks"] == SERVICES["superset"]["networks"] == ["sql"]
    assert [name for name in OURS if "sql" in SERVICES[name]["networks"]] == ["fastapi-app"]


def test_tools_serve_the_paths_under_which_we_pass_on_and_believe_the_header_that_we_set() -> None:
    pad, superset = SERVICES["sqlpad"]["environment"], SERVICES["superset"]["environment"]
    assert pad["SQLPAD_BASE_URL"] == sql_tools.SQLPAD.prefix
    assert f"email:{SIGN_IN_HEADER}" in pad["SQLPAD_AUTH_PROXY_HEADERS"].split()
    assert superset["SUPERSET_APP_ROOT"] == sql_tools.SUPERSET.prefix
    assert f"HTTP_{SIGN_IN_HEADER.replace('-', '_')}" in (ROOT / "docker/superset/superset_config.py").read_text()


def test_each_starts_only_after_what_it_needs_is_well() -> None:
    for name in ("fastapi-app", "worker", "scheduler"):
        assert SERVICES[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "redis": {"condition": "service_healthy"},
        }
    assert SERVICES["migrate"]["depends_on"] == {"postgres-db": {"condition": "service_healthy"}}
    assert SERVICES["migrate"]["restart"] == "no"


def test_what_must_last_is_in_named_volumes() -> None:
    named = compose()["volumes"]
    kept = {"postgres-db": "/var/lib/postgresql/data", "redis": "/data", "sqlpad": "/var/lib/sqlpad"}
    for name, place in {**kept, "worker": "/data", "superset": "/app/superset_home"}.items():
        volume, _, where = SERVICES[name]["volumes"][0].partition(":")
        assert where == place
        assert volume in named


def test_redis_has_what_is_written_on_disk_before_it_answers_and_keeps_its_password_off_the_command_line() -> None:
    line = SERVICES["redis"]["command"][-1]
    for words in ("--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction", "requirepass"):
        assert words in line
    assert "${" not in line


@pytest.mark.parametrize("name", OURS)
def test_commands_exist_in_the_code(name: str) -> None:
    service = SERVICES[name]
    if "command" in service:
        exists(service["command"])
    test = service.get("healthcheck", {}).get("test")
    if test:
        assert test[0] == "CMD"
        exists(test[1:])


def test_each_setting_is_passed_or_on_the_list_of_those_that_are_not() -> None:
    passed = set(SERVICES["worker"]["environment"])
    known = {name.upper() for name in Settings.model_fields}
    assert passed - known <= ELSEWHERE
    assert known - passed == {name.upper() for name in NOT_PASSED}
    assert all(NOT_PASSED.values())
    for name in OURS:
        assert set(SERVICES[name]["environment"]) - {"SECRET_PEM"} == passed
    assert "SECRET_PEM" not in SERVICES["fastapi-app"]["environment"]


def test_defaults_that_the_compose_file_repeats_are_those_of_the_code() -> None:
    for name, value in SERVICES["worker"]["environment"].items():
        default = re.fullmatch(r"\$\{" + name + r":-([^${}]+)\}", value or "")
        if default and name.lower() in Settings.model_fields and name not in ("LOG_FORMAT", "SQLPAD_URL"):
            assert default[1] == str(Settings.model_fields[name.lower()].default)


def test_no_secret_has_a_default_and_make_secrets_makes_each_one() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    asked = dict(re.findall(r"\$\{([A-Z_]+)([^}]*)", text))
    required = {name for name, rest in asked.items() if rest.startswith(":?")}
    made = set(secrets.fresh())
    assert required == made - {"SECRET_PEM"}
    assert all('Run "make secrets"' in rest for rest in asked.values() if rest.startswith(":?"))
    secret = {name for name in asked if re.search("PASSWORD|SECRET|TOKEN|PEM|PASSPHRASE", name)}
    assert secret == made
    known = {name.upper() for name in Settings.model_fields} | ELSEWHERE | made | CHOSEN_BY_PEOPLE
    assert set(asked) <= known
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|PASSPHRASE|AUTH$", name) and isinstance(value, str):
                assert value.startswith("${"), f"{name} is written down"


def test_make_secrets_writes_once_and_never_over_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / ".env"

    def made(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "app", "secrets", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout

    made("--write", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = file.read_text()
    assert {line.partition("=")[0] for line in first.splitlines()} == set(secrets.fresh())
    assert made("--write", str(file)) == ""
    file.write_text(first.replace("REDIS_PASSWORD", "# REDIS_PASSWORD") + "MORE=1\n")
    assert re.fullmatch(r"REDIS_PASSWORD=[0-9a-f]{48}\n", made("--write", str(file)))
    assert file.read_text().endswith("MORE=1\n")
    assert {line.partition("=")[0] for line in made().splitlines()} == set(secrets.fresh())


@pytest.mark.parametrize("path", RAILWAY)
def test_files_for_railway_name_what_is_there(path: str) -> None:
    told = json.loads((ROOT / path).read_text())
    assert told["build"] == {"builder": "DOCKERFILE", "dockerfilePath": "Dockerfile"}
    deploy = told["deploy"]
    # Whoever comes first migrates; a worker that ran on the old tables would make dead letters.
    assert deploy["preDeployCommand"] == ["python -m app migrate"]
    exists(shlex.split(deploy["startCommand"]))
    assert deploy["drainingSeconds"] >= 15
    assert ("healthcheckPath" in deploy) is (path == "railway.json")


def test_compose_itself_reads_the_file_and_refuses_without_secrets(tmp_path: Path) -> None:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("there is no docker compose here")
    names = {*secrets.fresh(), *(name.upper() for name in Settings.model_fields)}
    clean = {name: value for name, value in os.environ.items() if name not in names}

    def config(file: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "env").write_text(file)
        return subprocess.run(
            ["docker", "compose", "--env-file", str(tmp_path / "env"), "--profile", "*", "config", "--format", "json"],
            cwd=ROOT,
            env=clean,
            capture_output=True,
            text=True,
            check=False,
        )

    everything = "".join(f"{name}={value}\n" for name, value in secrets.fresh().items())
    whole = config(everything + "RETENTION_DAYS=30\n")
    assert whole.returncode == 0, whole.stderr
    environment = json.loads(whole.stdout)["services"]["worker"]["environment"]
    assert environment["RETENTION_DAYS"] == "30"
    assert environment["SMTP_URL"] is None
    for name in sorted(set(secrets.fresh()) - {"SECRET_PEM"}):
        lacking = config(re.sub(rf"^{name}=.*\n", "", everything, flags=re.MULTILINE))
        assert lacking.returncode != 0
        assert name in lacking.stderr
        assert "make secrets" in lacking.stderr


@pytest.mark.parametrize("path", DOCKERFILES)
def test_hadolint_finds_nothing(path: str) -> None:
    if shutil.which("hadolint") is None:
        pytest.skip("there is no hadolint here")
    done = subprocess.run(["hadolint", path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
