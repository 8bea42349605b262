"""How users are shared out among slots: from per cent to the weights of a balancer's servers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from assay.errors import BalancerError
from assay.rollout.traffic.haproxy import MAX_WEIGHT, Balancer, slot_of


async def set_slot_weights(balancer: Balancer, percentages: Mapping[str, int]) -> Mapping[str, int]:
    """Share out the traffic: per cent by slot, together 100. Returns the servers' weights."""
    weights = server_weights(await balancer.servers(), percentages)
    await balancer.set_weights(weights)
    return weights


def server_weights(servers: Collection[str], percentages: Mapping[str, int]) -> dict[str, int]:
    """Weights of all servers of the slots. With as many servers each, a server's weight is its slot's
    percentage; else as near as HAProxy's 256 steps come, and nobody who shall get traffic gets none.
    Raises `BalancerError` for a slot without servers, or percentages that are none."""
    if sum(percentages.values()) != 100 or min(percentages.values()) < 0:
        raise BalancerError(f"Percentages are 0 to 100 and together 100, not {dict(percentages)}.")
    members = {slot: [name for name in servers if slot_of(name) == slot] for slot in percentages}
    for slot, names in members.items():
        if not names:
            raise BalancerError(
                f"HAProxy has no server of slot {slot!r}: they are named {slot}-1, {slot}-2, …"
            )
    scaled = _scaled(percentages, {slot: len(names) for slot, names in members.items()})
    return {name: scaled[slot] for slot, names in members.items() for name in names}


def _scaled(percentages: Mapping[str, int], counts: Mapping[str, int]) -> dict[str, int]:
    """A weight for each slot's servers: of all scales the most exact, of those the nearest to per cent."""
    most = max(counts.values())
    exact = {slot: percent * most / counts[slot] for slot, percent in percentages.items()}
    greatest = max(exact.values())
    scales = sorted((weight / greatest for weight in range(1, MAX_WEIGHT + 1)), key=lambda s: abs(s - 1))
    candidates = [
        {slot: max(round(weight * scale), int(weight > 0)) for slot, weight in exact.items()}
        for scale in scales
    ]
    return min(candidates, key=lambda weights: round(_greatest_error(percentages, counts, weights), 3))


def _greatest_error(
    percentages: Mapping[str, int], counts: Mapping[str, int], weights: Mapping[str, int]
) -> float:
    """Of a slot's share, relative to what it should be."""
    whole = sum(weights[slot] * counts[slot] for slot in percentages)
    shares = ((percent, 100 * weights[slot] * counts[slot] / whole) for slot, percent in percentages.items())
    return max(abs(share / percent - 1) for percent, share in shares if percent)
