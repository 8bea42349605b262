"""What counts as bad. Every threshold is a setting, because wikis differ; each says why it is as it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """Thresholds of the verdict. Shares are 0 to 1."""

    false_alarm_share: float = 0.01
    """Most rollouts of two equal arms that chance may roll back: all stages, checks and looks together.
    Smaller takes more samples to catch a fault; a false alarm costs an operator's look at a report."""
    lost_share: float = 0.001
    """Share of compared scores (and of compared answers) that the stable arm gives and the candidate refuses
    for a reason that asking again does not mend. Not 0, so that one revision that is hidden between the two
    questions does not stop a long rollout; in a small sample a single one is above it."""
    passing_share: float = 0.01
    """Least surplus of compared requests that fail in the candidate only, and only for now (overload,
    time-out, wiki away), before chance is even asked. Such errors come to any arm; fewer hurt nobody who
    tries again."""
    passing_bound: float = 0.01
    """Before users meet the candidate, or more of them do: at most so many requests more than at the stable
    arm may fail for now, with 95 per cent confidence. 299 requests that all went well show it; where the
    candidate's surplus is about as large, a stage lasts until it is known."""
    changed_share: float = 0.0
    """Share of scores that may differ where no drift is declared. Equal bundles give equal bits, so any
    change is a fault."""
    score_tolerance: float = 1e-9
    """Differences of probabilities up to this are none: the rounding of another machine's arithmetic."""
    latency_ratio: float = 1.25
    """The candidate may take so many times the stable arm's time. Kayenta's tolerance is the same quarter; a
    release that is slower by less is a matter for its benchmark, not for a rollout at noon."""
    latency_slack_ms: float = 2.0
    """Milliseconds on top. Of an answer from the cache, which takes one or two, a quarter is noise."""
    processor_ratio: float = 1.3
    """The candidate may take so many times the stable arm's processor time for the same texts. Measured of
    equal arms on an overloaded machine: 1.13 in the candidate's first second, soon 1.01 to 1.04. For some
    texts alone, which may be unlucky, twice that tolerance (its square) is far."""
    processor_slack_ms: float = 0.1
    """Milliseconds on top, of the thousandth second that a text of some lines takes: memory being collected,
    or a dictionary's first word."""
    failed_share_rise: float = 0.002
    """Least rise of the share of users' requests that fail, before chance is even asked: 0.2 percentage
    points lie within what one minute of a wiki differs from the next."""
    failed_share_alone: float = 0.05
    """Share of failing users' requests that is bad when the candidate has all traffic, where there is no
    stable arm to tell a bad release from a bad minute of the wiki."""
    harm_share: float = 0.01
    """The next weight is given only when, with 95 per cent confidence, the candidate's surplus of failing
    users' requests times that weight hurts at most so many of all users. At 1 per cent, before 5, that takes
    14 of the candidate's answers without a failure, before 25 74, before 50 149, before 100 299."""
    memory_warmup_jobs: int = 20
    """Jobs of a process before its memory is looked at: libraries load, and heaps find their size."""
    memory_allowance_bytes: int = 32 * 1024 * 1024
    """Growth that each process is allowed after that, for memos and pools that fill. Measured on real edits:
    a scoring process with English Wikipedia's models grew by 5 MiB in 650 jobs, its main process by 12."""
    memory_bytes_per_job: int = 64 * 1024
    """Further growth per job that is a leak: at 10 jobs a second it eats 2.3 GB an hour. Measured without
    one: 8 to 18 KiB. Slower leaks do not show in a rollout's few hundred jobs; workers are replaced when they
    grow."""
    memory_least_jobs: int = 50
    """Jobs of an arm without which nothing is said of its memory."""

    def __post_init__(self) -> None:
        shares = [name for name in self.__slots__ if "share" in name]
        if wrong := [name for name in shares if not 0 <= getattr(self, name) <= 1]:
            raise ValueError(f"{', '.join(wrong)} must lie in 0 … 1")
        if self.false_alarm_share == 0:
            raise ValueError("false_alarm_share must be above 0: without it no statistical check could alarm")
        for name in ("latency_ratio", "processor_ratio"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1: an equal arm must be tolerated")
