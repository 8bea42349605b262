"""Manifests that Kubernetes' own schemas accept, with routes, ports, settings and commands of ours."""

from __future__ import annotations

from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from assay import settings
from deploy.files import DEPLOY, documents, name_of, options_of, unknown
from small_app import SmallApp

FOLDER = DEPLOY / "kubernetes"
KUBERNETES = "1.30"
MANIFESTS = [
    document
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for document in documents(path)
]
DEPLOYMENTS = [manifest for manifest in MANIFESTS if manifest["kind"] == "Deployment"]
SCALED = [manifest for manifest in MANIFESTS if manifest["kind"] == "ScaledObject"]
TEXT = {"type": "string", "minLength": 1}
SCALED_OBJECT: dict[str, Any] = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "keda.sh/v1alpha1"},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["scaleTargetRef", "triggers"],
            "properties": {
                "scaleTargetRef": {"type": "object", "required": ["name"], "properties": {"name": TEXT}},
                "minReplicaCount": {"type": "integer", "minimum": 1},
                "maxReplicaCount": {"type": "integer", "minimum": 1},
                "pollingInterval": {"type": "integer", "minimum": 1},
                "cooldownPeriod": {"type": "integer", "minimum": 0},
                "triggers": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["type", "metadata"],
                        "properties": {
                            "type": {"const": "prometheus"},
                            "metricType": {"enum": ["Value", "AverageValue"]},
                            "metadata": {
                                "type": "object",
                                "additionalProperties": TEXT,
                                "required": ["serverAddress", "query", "threshold"],
                            },
                        },
                    },
                },
            },
        },
    },
}
"""The fields that we use of KEDA's ScaledObject, whose schema comes with no package."""


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


@pytest.mark.parametrize("manifest", [m for m in MANIFESTS if m not in SCALED], ids=name_of)
def test_kubernetes_accepts_it(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("manifest", SCALED, ids=name_of)
def test_scaling_follows_the_queue(manifest: dict[str, Any]) -> None:
    jsonschema.validate(manifest, SCALED_OBJECT)
    assert manifest["spec"]["scaleTargetRef"]["name"] in [d["metadata"]["name"] for d in DEPLOYMENTS]
    queries = [trigger["metadata"]["query"] for trigger in manifest["spec"]["triggers"]]
    assert "assay_engine_queue_wait_seconds_bucket" in queries[0]
    assert [unknown(query) for query in queries] == [set()] * len(queries)


def test_there_is_something_to_check() -> None:
    assert sorted(d["metadata"]["name"] for d in DEPLOYMENTS) == ["assay-web", "assay-worker"]
    assert len(SCALED) == 1
    kinds = {manifest["kind"] for manifest in MANIFESTS}
    assert kinds >= {"ConfigMap", "Service", "PodDisruptionBudget"}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_probes_ask_routes_that_exist(deployment: dict[str, Any]) -> None:
    role = container(deployment)["command"][1]
    routes = {"/livez", "/metrics"}  # of a worker's exporter
    if role == "web":
        routes = set(SmallApp().build().fastapi.openapi()["paths"])
    probes = {container(deployment)[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness")}
    assert probes == {"/livez"}
    ready, _, asked = container(deployment)["readinessProbe"]["httpGet"]["path"].partition("?")
    assert {*probes, ready} <= routes
    assert asked == ("degraded" if role == "web" else "")
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] in routes


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_ports_and_options_are_those_of_the_command(deployment: dict[str, Any]) -> None:
    _, role, *arguments = container(deployment)["command"]
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert given.keys() <= options_of(role)
    port = given["--port" if role == "web" else "--metrics-port"]
    (exposed,) = container(deployment)["ports"]
    assert (exposed["name"], exposed["containerPort"]) == ("http", int(port))
    assert deployment["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"] == port


def test_variables_are_settings() -> None:
    (config,) = [m["data"] for m in MANIFESTS if m["kind"] == "ConfigMap"]
    own = {entry["name"]: entry["value"] for d in DEPLOYMENTS for entry in container(d).get("env", ())}
    readable = {key: value for key, value in {**config, **own}.items() if not key.endswith("_FILE")}
    loaded = settings.load(environment=readable)
    assert loaded.release == config["ASSAY_RELEASE"]
    files = [key for key in config if key.endswith("_FILE")]
    assert files == ["ASSAY_REDIS__PASSWORD_FILE"]
    assert "redis.password" in settings.names()


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_draining_fits_into_the_grace_period(deployment: dict[str, Any]) -> None:
    grace_s = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace_s > settings.Settings().http.drain_timeout_s
    assert grace_s > settings.Settings().queue.time_limit_s


def test_every_file_is_listed_and_no_image_names_a_registry() -> None:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
    assert {*kustomization["resources"], "kustomization.yaml"} == {p.name for p in FOLDER.glob("*.yaml")}
    assert {container(deployment)["image"] for deployment in DEPLOYMENTS} == {"assay"}
    assert kustomization["images"] == [{"name": "assay", "newTag": "1"}]
