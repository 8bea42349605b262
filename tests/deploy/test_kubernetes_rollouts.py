"""Manifests for Argo Rollouts and Flagger: valid, of one release throughout, answered by the real page."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import kubernetes_validate
import pytest
import yaml

from assay import settings
from assay.clock import FakeClock
from assay.rollout.control.subject import Slots, slots_of
from assay.rollout.journal import Journal
from assay.rollout.options import DataCentreSettings, RolloutOptions, SlotSettings
from assay.rollout.reporting.web import PageOptions, build_page
from assay.rollout.samples import Arm
from assay.serving.options import QuotaOptions
from deploy.crds import SCHEMAS
from deploy.files import DEPLOY, documents, name_of, options_of, unknown
from rollout.told import NOON, Teller
from servers.asgi import Served, serving

FOLDER = DEPLOY / "kubernetes" / "rollouts"
KUBERNETES = "1.30"
FILES = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")
MANIFESTS = [document for path in FILES for document in documents(path)]
SLICE_IMAGE = re.compile(r"^assay:(?P<release>[a-z0-9.-]+-[0-9a-f]{12})$")
TOKEN = "a-token-for-this-test"


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [manifest for manifest in MANIFESTS if manifest["kind"] == kind]


SLICES = [
    m for m in (*of_kind("Rollout"), *of_kind("Deployment")) if m["metadata"]["labels"]["role"] != "rollout"
]
RELEASE = str(SLICES[0]["metadata"]["labels"]["release"])


def container(deployment: dict[str, Any], name: str = "assay") -> dict[str, Any]:
    (only,) = [c for c in deployment["spec"]["template"]["spec"]["containers"] if c["name"] == name]
    assert isinstance(only, dict)
    return only


# -- valid -------------------------------------------------------------------------------------------


def test_there_is_something_to_check() -> None:
    assert {name_of(manifest) for manifest in SLICES} == {
        "Rollout assay-web",
        "Deployment assay-web",
        f"Deployment assay-worker-{RELEASE}",
    }
    assert {manifest["kind"] for manifest in MANIFESTS} >= {
        *SCHEMAS,
        "NetworkPolicy",
        "PersistentVolumeClaim",
    }


@pytest.mark.parametrize("manifest", MANIFESTS, ids=name_of)
def test_its_schema_accepts_it(manifest: dict[str, Any]) -> None:
    if manifest["kind"] in SCHEMAS:
        jsonschema.validate(manifest, SCHEMAS[manifest["kind"]])
    else:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_the_pods_of_argos_rollout_are_as_valid_as_a_deployments() -> None:
    (rollout,) = of_kind("Rollout")
    spec = {key: rollout["spec"][key] for key in ("replicas", "selector", "template")}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": rollout["metadata"],
        "spec": spec,
    }
    kubernetes_validate.validate(deployment, KUBERNETES, strict=True)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=name_of)
def test_a_misspelled_field_is_noticed(manifest: dict[str, Any]) -> None:
    if manifest["kind"] in ("ConfigMap",):
        return
    spec = dict(manifest["spec"])
    spec["x" + next(iter(spec))] = spec.pop(next(iter(spec)))
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        test_its_schema_accepts_it(manifest | {"spec": spec})


def test_every_file_is_listed() -> None:
    for path in FOLDER.rglob("kustomization.yaml"):
        kustomization = yaml.safe_load(path.read_text("utf-8"))
        own = {name for name in kustomization["resources"] if not name.startswith("../")}
        assert own == {other.name for other in path.parent.glob("*.yaml")} - {path.name}
        assert all((path.parent / name).exists() for name in kustomization["resources"])


# -- one release, one queue --------------------------------------------------------------------------


@pytest.mark.parametrize("manifest", SLICES, ids=name_of)
def test_web_and_workers_of_a_slice_name_the_same_release_everywhere(manifest: dict[str, Any]) -> None:
    pod = manifest["spec"]["template"]
    assert manifest["metadata"]["labels"]["release"] == pod["metadata"]["labels"]["release"] == RELEASE
    assay = container(manifest)
    image = SLICE_IMAGE.match(assay["image"])
    assert image is not None
    assert image["release"] == RELEASE
    variables = {entry["name"]: entry["value"] for entry in assay["env"]}
    (source,) = assay["envFrom"]
    (config,) = [m for m in of_kind("ConfigMap") if m["metadata"]["name"] == source["configMapRef"]["name"]]
    assert config["metadata"]["name"] == f"assay-{RELEASE}"
    assert config["immutable"] is True
    readable = {
        key: value for key, value in {**config["data"], **variables}.items() if not key.endswith("_FILE")
    }
    assert settings.load(environment=readable).release == RELEASE
    assert variables["ASSAY_RELEASE"] == RELEASE, (
        "in the pod itself, so that a copied configuration changes nothing"
    )


def test_workers_of_two_releases_can_stand_side_by_side() -> None:
    """Their names and selectors hold the release, so that applying the next leaves the last alone."""
    (worker,) = [m for m in SLICES if m["metadata"]["labels"]["role"] == "worker"]
    assert RELEASE in worker["metadata"]["name"]
    assert worker["spec"]["selector"]["matchLabels"]["release"] == RELEASE
    (budget,) = of_kind("PodDisruptionBudget")
    assert budget["spec"]["selector"] == worker["spec"]["selector"]


def test_web_pods_of_all_releases_are_one_rollout() -> None:
    """A selector cannot change, and the traffic is shifted between the pods of one object."""
    for manifest in SLICES:
        if manifest["metadata"]["labels"]["role"] == "web":
            assert "release" not in manifest["spec"]["selector"]["matchLabels"]


def test_no_other_release_is_named() -> None:
    for path in FILES:
        text = path.read_text("utf-8")
        assert set(re.findall(r"\b[a-z]+-[0-9a-f]{12}\b", text)) <= {RELEASE}, path.name


@pytest.mark.parametrize("manifest", SLICES, ids=name_of)
def test_commands_and_ports_are_those_of_assay(manifest: dict[str, Any]) -> None:
    _, role, *arguments = container(manifest)["command"]
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert given.keys() <= options_of(role)
    (exposed,) = container(manifest)["ports"]
    assert given["--port" if role == "web" else "--metrics-port"] == str(exposed["containerPort"])


# -- the observing controller and its page -------------------------------------------------------------


def watch() -> dict[str, Any]:
    (manifest,) = [m for m in of_kind("Deployment") if m["metadata"]["labels"]["role"] == "rollout"]
    return manifest


def test_the_page_is_started_with_options_that_it_has_and_a_token() -> None:
    *command, host, port, state_dir, token_file = container(watch(), "page")["command"]
    assert command == ["assay", "rollout", "page"]
    pairs = (option.removeprefix("--").split("=") for option in (host, port, state_dir, token_file))
    given = {name.replace("-", "_"): value for name, value in pairs}
    assert given.keys() <= {field.name for field in fields(PageOptions)}
    (exposed,) = container(watch(), "page")["ports"]
    assert given["port"] == str(exposed["containerPort"])
    mounts = {mount["mountPath"]: mount for mount in container(watch(), "page")["volumeMounts"]}
    assert mounts[given["state_dir"]]["readOnly"] is True
    assert str(Path(given["token_file"]).parent) in mounts


def test_the_watcher_is_started_with_options_that_it_has_on_the_slots_of_its_configuration(
    tmp_path: Path,
) -> None:
    *command, stable = container(watch(), "watch")["command"]
    assert command == ["assay", "rollout", "watch"]
    option, _, slot = stable.partition("=")
    assert option in options_of("rollout", "watch")
    slots = slots_of(watch_settings(tmp_path).rollout, slot)
    assert slots == slots_of(watch_settings(tmp_path).rollout, None) == Slots("stable", "canary")


def watch_settings(tmp_path: Path) -> settings.Settings:
    """As the real loader reads them from the ConfigMap."""
    (config,) = [m for m in of_kind("ConfigMap") if "rollout.toml" in m["data"]]
    file = tmp_path / "rollout.toml"
    file.write_text(config["data"]["rollout.toml"])
    return settings.load([file], environment={})


def test_watcher_and_page_share_the_journal_that_the_configuration_names(tmp_path: Path) -> None:
    named = watch_settings(tmp_path).rollout.state_dir
    for name in ("watch", "page"):
        assert named in [mount["mountPath"] for mount in container(watch(), name)["volumeMounts"]]


def test_the_watcher_is_not_held_to_a_clients_quota() -> None:
    (config,) = [m for m in of_kind("ConfigMap") if m["metadata"]["name"] == f"assay-{RELEASE}"]
    readable = {key: value for key, value in config["data"].items() if not key.endswith("_FILE")}
    quota = settings.load(environment=readable).quota
    assert set(quota.exempt) > set(QuotaOptions().exempt)
    assert quota.trusted_proxies == quota.exempt, "the gateway's users would all be exempt"


def test_one_pod_writes_the_journal() -> None:
    assert watch()["spec"]["replicas"] == 1
    assert watch()["spec"]["strategy"] == {"type": "Recreate"}


def test_its_configuration_has_keys_that_exist_and_arms_that_the_services_name() -> None:
    (config,) = [m for m in of_kind("ConfigMap") if "rollout.toml" in m["data"]]
    loaded = tomllib.loads(config["data"]["rollout.toml"])["rollout"]
    assert loaded.keys() <= {field.name for field in fields(RolloutOptions)}
    (centre,) = loaded["data_centres"].values()
    assert centre.keys() <= {field.name for field in fields(DataCentreSettings)}
    services = {service["metadata"]["name"] for service in of_kind("Service")}
    for slot in centre["slots"].values():
        assert slot.keys() <= {field.name for field in fields(SlotSettings)}
        assert {urlsplit(url).hostname for url in slot["urls"]} <= services


# -- what they ask, asked ----------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Served]:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    options = PageOptions(state_dir=str(tmp_path / "journal"), token_file=str(token))
    with serving(build_page(options, FakeClock(NOON))) as served:
        yield served


def tell(tmp_path: Path, verdict: str) -> None:
    """A journal in which the release of the manifests is good, bad, or of no data."""
    with Journal(tmp_path / "journal", FakeClock(NOON)) as journal:
        teller = Teller(journal, FakeClock(NOON))
        teller.start(Arm("green", RELEASE))
        stage = teller.plan.stages[0]
        checks = [{"name": name, "status": verdict, "sentence": "x"} for name in stage.required]
        journal.append("verdict", {"stage": stage.number, "checks": checks})


def holds(condition: str, result: object) -> bool:
    """The comparisons with a text that Argo's expressions are made of here."""
    found = re.fullmatch(r'result (==|!=) "(\w+)"', condition)
    assert found is not None
    return (result == found[2]) == (found[1] == "==")


ARGO = {
    "assay-good": {"good": "success", "bad": "failure", "no_data": "inconclusive"},
    "assay-alarm": {"good": "success", "bad": "failure", "no_data": "success"},
}


@pytest.mark.parametrize("verdict", ["good", "bad", "no_data"])
@pytest.mark.parametrize("template", of_kind("AnalysisTemplate"), ids=name_of)
def test_argo_gets_the_answer_that_it_waits_for(
    page: Served, tmp_path: Path, template: dict[str, Any], verdict: str
) -> None:
    tell(tmp_path, verdict)
    (metric,) = template["spec"]["metrics"]
    web, arguments = metric["provider"]["web"], {"release": RELEASE, "token": TOKEN}
    assert {argument["name"] for argument in template["spec"]["args"]} == arguments.keys()

    def filled(text: str) -> str:
        return re.sub(r"\{\{ args\.(\w+) \}\}", lambda match: arguments[match[1]], text)

    address = urlsplit(filled(web["url"]))
    headers = {header["key"]: filled(header["value"]) for header in web["headers"]}
    answer = page.ask(f"{address.path}?{address.query}", headers=headers)
    assert answer.status == 200
    path = re.fullmatch(r"\{\$\.(\w+)\}", web["jsonPath"])
    assert path is not None
    result = json.loads(answer.body)[path[1]]
    succeeds, fails = holds(metric["successCondition"], result), holds(metric["failureCondition"], result)
    outcome = "failure" if fails else "success" if succeeds else "inconclusive"
    assert outcome == ARGO[template["metadata"]["name"]][verdict]


def test_argos_rollout_uses_templates_and_services_that_exist_and_waits_after_each_weight() -> None:
    (rollout,) = of_kind("Rollout")
    canary = rollout["spec"]["strategy"]["canary"]
    templates = {template["metadata"]["name"] for template in of_kind("AnalysisTemplate")}
    steps = canary["steps"]
    used = [canary["analysis"], *(step["analysis"] for step in steps if "analysis" in step)]
    assert {template["templateName"] for analysis in used for template in analysis["templates"]} == templates
    services = {service["metadata"]["name"] for service in of_kind("Service")}
    assert {canary["stableService"], canary["canaryService"]} <= services
    assert "analysis" in steps[1], "before the first weight"
    places = [place for place, step in enumerate(steps) if "setWeight" in step]
    assert [steps[place]["setWeight"] for place in places] == [1, 5, 25, 50]
    assert all("analysis" in steps[place + 1] for place in places)


@pytest.mark.parametrize("verdict", ["good", "bad", "no_data"])
def test_flagger_gets_the_status_that_makes_it_do_the_right_thing(
    page: Served, tmp_path: Path, verdict: str
) -> None:
    tell(tmp_path, verdict)
    (canary,) = of_kind("Canary")
    went_on = {}
    for hook in canary["spec"]["analysis"]["webhooks"]:
        body = {"name": "assay-web", "namespace": "assay", "phase": "Progressing", "checksum": "x"}
        metadata = hook["metadata"] | {"token": TOKEN}
        assert hook["metadata"]["release"] == RELEASE
        answer = page.ask(
            urlsplit(hook["url"]).path, "POST", body=json.dumps(body | {"metadata": metadata}).encode()
        )
        went_on[hook["type"]] = answer.status == 200
        assert answer.status in (200, 409, 503)
    assert went_on == {
        "rollback": verdict == "bad",
        "confirm-traffic-increase": verdict == "good",
        "confirm-promotion": verdict == "good",
    }


def test_flaggers_own_metric_is_one_of_ours() -> None:
    (template,), (canary,) = of_kind("MetricTemplate"), of_kind("Canary")
    (metric,) = canary["spec"]["analysis"]["metrics"]
    assert metric["templateRef"]["name"] == template["metadata"]["name"]
    variables = metric["templateVariables"]
    query = template["spec"]["query"].replace("{{ interval }}", metric["interval"])
    for name, value in variables.items():
        query = query.replace(f"{{{{ variables.{name} }}}}", value)
    assert "{{" not in query
    assert variables == {"release": RELEASE}
    assert unknown(query) == set()
