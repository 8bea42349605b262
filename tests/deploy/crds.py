"""The fields that our manifests use of other projects' resources, strictly: an unknown field is an error.

No Python package brings these schemas, so they are written from the projects' public documentation: Argo
Rollouts 1.8, Flagger 1.4x, the Gateway API 1.
"""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string", "minLength": 1}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
PERCENT: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 100}
DURATION: Final[Schema] = {"type": "string", "pattern": "^[0-9]+(s|m|h)$"}
LABELS: Final[Schema] = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 63}}


def strict(required: str, **properties: Schema) -> Schema:
    """An object with these fields only. `required`: names with blanks between."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": properties,
    }


def listed(item: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": item}


def resource(api: str, kind: str, spec: Schema) -> Schema:
    metadata = strict("name", name=TEXT, labels=LABELS)
    fields = {"apiVersion": {"const": api}, "kind": {"const": kind}, "metadata": metadata, "spec": spec}
    return strict("apiVersion kind metadata spec", **fields)


_SECRET = strict("secretKeyRef", secretKeyRef=strict("name key", name=TEXT, key=TEXT))
_FIELD = strict(
    "fieldRef", fieldRef=strict("fieldPath", fieldPath={"pattern": r"^metadata\.labels\['[a-z]+'\]$"})
)
_ANALYSIS = strict(
    "templates",
    templates=listed(strict("templateName", templateName=TEXT)),
    args=listed(strict("name", name=TEXT, value=TEXT, valueFrom=_FIELD)),
)
_CANARY_SCALE = strict("", replicas=COUNT, weight=PERCENT, matchTrafficWeight={"type": "boolean"})
_STEP: Schema = strict("", setWeight=PERCENT, setCanaryScale=_CANARY_SCALE, analysis=_ANALYSIS) | {
    "minProperties": 1,
    "maxProperties": 1,
}
ROLLOUT: Final = resource(
    "argoproj.io/v1alpha1",
    "Rollout",
    strict(
        "selector template strategy",
        replicas=COUNT,
        revisionHistoryLimit=COUNT,
        progressDeadlineSeconds=COUNT,
        progressDeadlineAbort={"type": "boolean"},
        selector=strict("matchLabels", matchLabels=LABELS),
        template={"type": "object"},
        strategy=strict(
            "canary",
            canary=strict(
                "steps",
                stableService=TEXT,
                canaryService=TEXT,
                scaleDownDelaySeconds=COUNT,
                trafficRouting=strict(
                    "plugins",
                    plugins={
                        "type": "object",
                        "additionalProperties": strict("httpRoute namespace", httpRoute=TEXT, namespace=TEXT),
                    },
                ),
                analysis=_ANALYSIS,
                steps=listed(_STEP),
            ),
        ),
    ),
)
ANALYSIS_TEMPLATE: Final = resource(
    "argoproj.io/v1alpha1",
    "AnalysisTemplate",
    strict(
        "metrics",
        args=listed(strict("name", name=TEXT, value=TEXT, valueFrom=_SECRET)),
        metrics=listed(
            strict(
                "name provider",
                name=TEXT,
                interval=DURATION,
                successCondition=TEXT,
                failureCondition=TEXT,
                consecutiveSuccessLimit=COUNT,
                failureLimit=COUNT,
                inconclusiveLimit=COUNT,
                consecutiveErrorLimit=COUNT,
                provider=strict(
                    "web",
                    web=strict(
                        "url",
                        url={"type": "string", "pattern": "^http://"},
                        timeoutSeconds=COUNT,
                        headers=listed(strict("key value", key=TEXT, value=TEXT)),
                        jsonPath={"type": "string", "pattern": r"^\{\$.*\}$"},
                    ),
                ),
            )
        ),
    ),
)
HTTP_ROUTE: Final = resource(
    "gateway.networking.k8s.io/v1",
    "HTTPRoute",
    strict(
        "parentRefs rules",
        parentRefs=listed(strict("name", name=TEXT, namespace=TEXT)),
        hostnames=listed(TEXT),
        rules=listed(strict("backendRefs", backendRefs=listed(strict("name port", name=TEXT, port=COUNT)))),
    ),
)
_HOOKS = (
    "confirm-rollout",
    "pre-rollout",
    "rollout",
    "confirm-traffic-increase",
    "confirm-promotion",
    "post-rollout",
    "rollback",
    "event",
)
CANARY: Final = resource(
    "flagger.app/v1beta1",
    "Canary",
    strict(
        "targetRef analysis",
        provider={"enum": ["gatewayapi:v1", "istio", "kubernetes", "linkerd", "nginx", "traefik"]},
        targetRef=strict(
            "apiVersion kind name", apiVersion=TEXT, kind={"enum": ["Deployment", "DaemonSet"]}, name=TEXT
        ),
        progressDeadlineSeconds=COUNT,
        service=strict(
            "port",
            port=COUNT,
            targetPort={"type": ["integer", "string"]},
            hosts=listed(TEXT),
            gatewayRefs=listed(strict("name", name=TEXT, namespace=TEXT)),
        ),
        analysis=strict(
            "interval threshold stepWeights",
            interval={"type": "string", "pattern": "^[0-9]+(m|s)$"},
            threshold=COUNT,
            stepWeights=listed(PERCENT),
            metrics=listed(
                strict(
                    "name",
                    name=TEXT,
                    interval={"type": "string", "pattern": "^[0-9]+(m|s)$"},
                    thresholdRange=strict("", min={"type": "number"}, max={"type": "number"}),
                    templateRef=strict("name", name=TEXT, namespace=TEXT),
                    templateVariables={"type": "object", "additionalProperties": TEXT},
                )
            ),
            webhooks=listed(
                strict(
                    "name url",
                    name=TEXT,
                    type={"enum": list(_HOOKS)},
                    url={"type": "string", "pattern": "^http://"},
                    timeout={"type": "string", "pattern": "^[0-9]+(m|s)$"},
                    metadata={"type": "object", "additionalProperties": {"type": "string"}},
                )
            ),
        ),
    ),
)
METRIC_TEMPLATE: Final = resource(
    "flagger.app/v1beta1",
    "MetricTemplate",
    strict(
        "provider query",
        provider=strict("type", type={"const": "prometheus"}, address={"pattern": "^http://"}),
        query=TEXT,
    ),
)
SCHEMAS: Final = {
    "Rollout": ROLLOUT,
    "AnalysisTemplate": ANALYSIS_TEMPLATE,
    "HTTPRoute": HTTP_ROUTE,
    "Canary": CANARY,
    "MetricTemplate": METRIC_TEMPLATE,
}
