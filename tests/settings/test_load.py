"""Layers, faults of every kind, and settings given twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay import settings
from assay.errors import ConfigurationError


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_without_anything_the_defaults_hold() -> None:
    loaded = settings.load(environment={})
    assert loaded.server.host == "127.0.0.1"
    assert loaded.wikis == {}


def test_each_layer_overrides_the_one_before(tmp_path: Path) -> None:
    base = _file(tmp_path, "base.toml", '[server]\nport = 1\nhost = "::1"\n[pool]\nprocesses = 7\n')
    production = _file(tmp_path, "production.toml", "[server]\nport = 2\n")
    environment = {"ASSAY_SERVER__PORT": "3", "PATH": "/bin"}
    assert settings.load([base], {}).server.port == 1
    assert settings.load([base, production], {}).server.port == 2
    assert settings.load([base, production], environment).server.port == 3
    loaded = settings.load([base, production], environment, {"server": {"port": 4}})
    assert (loaded.server.port, loaded.server.host, loaded.pool.processes) == (4, "::1", 7)


def test_wikis_of_several_layers_join(tmp_path: Path) -> None:
    base = _file(tmp_path, "base.toml", '[wikis.cywiki]\nsource = "cy.xml"\n')
    environment = {"ASSAY_WIKIS": '{"gvwiki": {"source": "gv.xml", "bundles": "enwiki"}}'}
    loaded = settings.load([base], environment)
    assert {name: wiki.source for name, wiki in loaded.wikis.items()} == {
        "cywiki": "cy.xml",
        "gvwiki": "gv.xml",
    }
    assert loaded.wikis["gvwiki"].bundles == "enwiki"


def test_a_variable_may_name_a_file_that_holds_the_value(tmp_path: Path) -> None:
    secret = _file(tmp_path, "contact", "ops@example.org\n")
    loaded = settings.load(environment={"ASSAY_WIKI_API__CONTACT_FILE": str(secret)})
    assert loaded.wiki_api.contact == "ops@example.org"


def test_all_faults_are_told_at_once_each_with_its_place(tmp_path: Path) -> None:
    file = _file(tmp_path, "a.toml", '[sevrer]\nport = 1\n[wikis.x]\nsauce = "y"\n')
    broken = _file(tmp_path, "b.toml", "[server\n")
    environment = {"ASSAY_POOL__PROCESES": "3", "ASSAY_SERVER__PORT": "eighty", "ASSAY_WIKIS": "{"}
    with pytest.raises(ConfigurationError) as caught:
        settings.load([file, broken, tmp_path / "absent.toml"], environment)
    message = str(caught.value)
    assert "unknown setting sevrer; did you mean server?" in message
    assert "unknown setting wikis.x.sauce; did you mean wikis.x.source?" in message
    assert "ASSAY_POOL__PROCESES: unknown setting pool.proceses; did you mean pool.processes?" in message
    assert "server.port" in message
    assert f"{broken}: " in message
    assert "ASSAY_WIKIS: " in message
    assert "absent.toml" in message


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"server\.port: must be a number from 0 to 65535"):
        settings.load(environment={"ASSAY_SERVER__PORT": "70000"})


def test_faults_of_every_kind_are_told_together(tmp_path: Path) -> None:
    file = _file(tmp_path, "a.toml", '[server]\nport = "80"\n[pool]\ntime_limit_s = 0\n[sevrer]\n')
    environment = {
        "ASSAY_QUOTA__EXEMPT": '["everybody"]',
        "ASSAY_REDIS__URL": "no:address",
        "ASSAY_WIKIS": '{"cywiki": {"bundles": "enwiki"}, "gvwiki": 5}',
        "ASSAY_LOG__LEVEL": "loud",
        "ASSAY_MUST_BE_SET": '["redis.passwrd"]',
    }
    with pytest.raises(ConfigurationError) as caught:
        settings.load([file], environment)
    message = str(caught.value)
    assert f"server.port: must be a whole number (it is '80', from {file})" in message
    assert f"pool.time_limit_s: must be a number from 0.001 on (it is 0, from {file})" in message
    assert "unknown setting sevrer" in message
    assert "quota: exempt: 'everybody' is no network" in message
    assert "redis: the Redis URL cannot be read" in message
    assert "wikis.cywiki.source: must be given" in message
    assert "wikis.gvwiki: must be a section (it is 5, from ASSAY_WIKIS)" in message
    assert "log.level: must be one of debug, info, warning, error (it is 'loud', " in message
    assert "must_be_set: there is no setting 'redis.passwrd'" in message


def test_a_faulty_value_that_may_be_secret_is_not_told(tmp_path: Path) -> None:
    file = _file(tmp_path, "a.toml", "[redis]\npassword = 20160801\n")
    with pytest.raises(ConfigurationError, match=r"redis\.password: must be text") as caught:
        settings.load([file], {})
    assert "20160801" not in str(caught.value)


@pytest.mark.parametrize("password", ["[2016]", "{", "0801", "true", "", " a ", "a=b", "null"])
def test_a_password_is_text_whatever_it_looks_like(password: str) -> None:
    loaded = settings.load(environment={"ASSAY_REDIS__PASSWORD": password})
    assert loaded.redis.password == password


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("0", False), ("No", False), ("on", True), ("YES", True)]
)
def test_truth_values_of_variables(text: str, value: bool) -> None:
    assert settings.load(environment={"ASSAY_TEST_WIKI": text}).test_wiki is value


def test_a_setting_whose_own_name_ends_in_file_can_be_set_by_a_variable() -> None:
    loaded = settings.load(environment={"ASSAY_REDIS__TLS_CA_FILE": "/etc/ca.pem"})
    assert loaded.redis.tls_ca_file == "/etc/ca.pem"


@pytest.mark.parametrize("variable", ["ASSAY_CONFIG", "ASSAY_ENVIRONMENT", "ASSAY_CONFIG_FOLDER"])
def test_an_empty_variable_that_says_where_to_read_says_nothing(variable: str) -> None:
    assert settings.load(environment={variable: ""}) == settings.load(environment={})


def test_a_releases_own_files_come_before_all_others(tmp_path: Path) -> None:
    own = _file(tmp_path, "own.toml", "[server]\nport = 1\n[pool]\nprocesses = 7\n")
    second = _file(tmp_path, "second.toml", "[pool]\nprocesses = 8\n")
    given = _file(tmp_path, "given.toml", "[server]\nport = 2\n")
    loaded = settings.load([given], {"ASSAY_CONFIG": f"{own}:{second}"})
    assert (loaded.server.port, loaded.pool.processes) == (2, 8)


def test_nested_mappings_of_sections_and_tuples_of_numbers(tmp_path: Path) -> None:
    file = _file(
        tmp_path,
        "a.toml",
        """
        [rollout.stages]
        weights = [5, 100]
        shadow_pairs = 0
        [rollout.data_centres.one]
        haproxy = "/run/haproxy.sock"
        front_url = "http://127.0.0.1:8080"
        remote_server = ""
        [rollout.data_centres.one.slots.blue]
        urls = ["http://127.0.0.1:8081"]
        """,
    )
    rollout = settings.load([file], {}).rollout
    assert (rollout.stages.weights, rollout.stages.shadow_pairs) == ((5, 100), 0)
    assert rollout.data_centres["one"].slots["blue"].urls == ("http://127.0.0.1:8081",)
    broken = _file(tmp_path, "b.toml", "[rollout]\nstages.weights = [0]\ndata_centres.one.slots.blue = {}\n")
    with pytest.raises(ConfigurationError) as caught:
        settings.load([broken], {})
    assert "rollout.stages.weights.0: must be a number from 1 to 100 (it is 0, from" in str(caught.value)
    assert "rollout.data_centres.one.haproxy: must be given" in str(caught.value)
    assert "rollout.data_centres.one.slots.blue.urls: must be given" in str(caught.value)


# -- a setting given twice -----------------------------------------------------------------------------


def test_a_variable_beside_its_file_is_an_error(tmp_path: Path) -> None:
    secret = _file(tmp_path, "contact", "ops@example.org\n")
    environment = {"ASSAY_WIKI_API__CONTACT": "ops@example.org", "ASSAY_WIKI_API__CONTACT_FILE": str(secret)}
    with pytest.raises(
        ConfigurationError, match="CONTACT and ASSAY_WIKI_API__CONTACT_FILE both set wiki_api"
    ):
        settings.load(environment=environment)


@pytest.mark.parametrize("other", ['ASSAY_POOL={"processes": 3}', "ASSAY_pool__Processes=3"])
def test_two_variables_for_one_setting_are_an_error(other: str) -> None:
    name, _, value = other.partition("=")
    with pytest.raises(ConfigurationError, match=r"both set pool\.processes: keep one"):
        settings.load(environment={name: value, "ASSAY_POOL__PROCESSES": "3"})


def test_a_key_that_comes_twice_in_json_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="ASSAY_POOL: a key comes twice"):
        settings.load(environment={"ASSAY_POOL": '{"processes": 3, "processes": 4}'})


def test_a_secret_in_two_layers_is_an_error_unless_it_is_the_same(tmp_path: Path) -> None:
    file = _file(tmp_path, "a.toml", '[redis]\npassword = "old"\n')
    with pytest.raises(ConfigurationError, match=r"give different values to redis\.password") as caught:
        settings.load([file], {"ASSAY_REDIS__PASSWORD": "new"})
    assert not {"old", "new"} & set(str(caught.value).split())
    assert settings.load([file], {"ASSAY_REDIS__PASSWORD": "old"}).redis.password == "old"


def test_an_empty_secret_file_is_an_error(tmp_path: Path) -> None:
    secret = _file(tmp_path, "password", "\n")
    with pytest.raises(ConfigurationError, match=r"ASSAY_REDIS__PASSWORD_FILE: .* is empty"):
        settings.load(environment={"ASSAY_REDIS__PASSWORD_FILE": str(secret)})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ASSAY_POOL__PROCESSES", "0"),
        ("ASSAY_POOL__TIME_LIMIT_S", "-1"),
        ("ASSAY_POOL__TIME_LIMIT_S", "nan"),
        ("ASSAY_WEB__REQUEST_TIMEOUT_S", "inf"),
        ("ASSAY_WEB__GUARD__MAX_BODY_BYTES", "0"),
        ("ASSAY_MAX_TEXT_BYTES", "-5"),
    ],
)
def test_sizes_counts_and_times_must_be_some(variable: str, value: str) -> None:
    name = variable.removeprefix("ASSAY_").lower().replace("__", ".")
    with pytest.raises(ConfigurationError, match=rf"{name}: must be a number from"):
        settings.load(environment={variable: value})


def test_what_may_be_none_at_all_may_be_zero() -> None:
    assert settings.load(environment={"ASSAY_SERVER__PORT": "0"}).server.port == 0


@pytest.mark.parametrize("name", ["a/b", "", "a|b", "..", "a wiki"])
def test_a_wikis_name_must_fit_into_an_address(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is no name for a wiki"):
        settings.load(environment={}, flags={"wikis": {name: {"source": "x.xml"}}})


def test_a_secret_file_that_is_missing_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="ASSAY_WIKI_API__CONTACT_FILE"):
        settings.load(environment={"ASSAY_WIKI_API__CONTACT_FILE": "/nowhere/contact"})


def test_what_is_shown_can_be_read_again() -> None:
    loaded = settings.load(
        environment={"ASSAY_WIKIS": '{"x": {"source": "y.xml"}}', "ASSAY_POOL__PROCESSES": "3"}
    )
    shown = settings.describe(loaded)
    assert settings.load(environment={}, flags=shown) == loaded


@given(st.dictionaries(st.text(min_size=1, max_size=12), st.text(max_size=12), max_size=4))
def test_an_unknown_variable_is_never_passed_over(values: dict[str, str]) -> None:
    environment = {f"ASSAY_UNHEARD_{name.upper()}": value for name, value in values.items()}
    if not values:
        assert settings.load(environment=environment) == settings.load(environment={})
        return
    with pytest.raises(ConfigurationError) as caught:
        settings.load(environment=environment)
    assert all(variable in str(caught.value) for variable in environment)
