"""Layers, names and faults of the configuration."""

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
    with pytest.raises(ConfigurationError, match="port must lie in"):
        settings.load(environment={"ASSAY_SERVER__PORT": "70000"})


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


def test_the_schema_names_every_section() -> None:
    assert set(settings.json_schema()["properties"]) == set(settings.describe(settings.load(environment={})))


@given(st.dictionaries(st.text(min_size=1, max_size=12), st.text(max_size=12), max_size=4))
def test_an_unknown_variable_is_never_passed_over(values: dict[str, str]) -> None:
    environment = {f"ASSAY_UNHEARD_{name.upper()}": value for name, value in values.items()}
    if not values:
        assert settings.load(environment=environment) == settings.load(environment={})
        return
    with pytest.raises(ConfigurationError) as caught:
        settings.load(environment=environment)
    assert all(variable in str(caught.value) for variable in environment)


def test_files_that_the_environment_names_are_no_setting(tmp_path: Path) -> None:
    first, second = (_file(tmp_path, f"{n}.toml", f"[server]\nport = {n}\n") for n in (1, 2))
    environment = {"ASSAY_CONFIG": f"{first}:{second}:"}
    assert settings.files_of(environment) == [first, second]
    assert settings.files_of({}) == []
    assert settings.load(settings.files_of(environment), environment).server.port == 2


def test_layers_are_merged_key_by_key(tmp_path: Path) -> None:
    base = _file(tmp_path, "base.toml", "[server]\nport = 1\nhost = '::1'\n")
    over = _file(tmp_path, "over.toml", "[server]\nport = 2\n[pool]\nprocesses = 3\n")
    layers = [settings.read_file(path) for path in (base, over)]
    assert settings.merged(layers) == {"server": {"port": 2, "host": "::1"}, "pool": {"processes": 3}}
    with pytest.raises(ConfigurationError, match=r"absent\.toml"):
        settings.read_file(tmp_path / "absent.toml")
