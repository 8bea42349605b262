"""Whatever a client may send as a value."""

from __future__ import annotations

from hypothesis import strategies as st

INTEGERS = st.integers(-(2**63), 2**64 - 1)
"""A whole number beyond these is a float once the body is read."""

JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
