"""HEAD and the other final slash: added where they are missing, never over a route of ours."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import BaseRoute

from assay.serving.doubles import doubles, other_form

PARTS = st.lists(st.sampled_from(["v3", "scores", "{wiki}", "{rev_id}"]), unique=True, min_size=1)
PATHS = st.just("/") | st.builds(
    lambda parts, end: f"/{'/'.join(parts)}{end}", PARTS, st.sampled_from(["", "/"])
)
ROUTES = st.lists(st.tuples(PATHS, st.sampled_from(["GET", "POST", "HEAD"])), unique=True, max_size=8)


async def answer() -> None:
    """Not called here."""


def pairs(routes: list[BaseRoute]) -> list[tuple[str, str]]:
    return [(r.path, m) for r in routes if isinstance(r, APIRoute) for m in sorted(r.methods or ())]


@given(ROUTES)
def test_every_form_is_answered_once(own: list[tuple[str, str]]) -> None:
    router = APIRouter()
    for path, method in own:
        router.add_api_route(path, answer, methods=[method])
    further: list[tuple[str, str]] = pairs(doubles(router.routes).routes)
    methods: dict[str, set[str]] = {}
    for path, method in own:
        for form in {path, other_form(path)} - {""}:
            methods.setdefault(form, set()).update({method, "HEAD"} if method == "GET" else {method})
    everything: Any = {(path, method) for path, some in methods.items() for method in some}
    assert sorted(own + further) == sorted(everything)


@given(PATHS)
def test_the_other_forms_other_form_is_the_path(path: str) -> None:
    assert other_form(other_form(path)) == path
    assert (other_form(path) == "") == (path == "/")
