"""Small arms behind a real HAProxy in each of some data centres, and the settings that tell of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from assay.rollout.evidence.arms import askers
from assay.rollout.evidence.asker import Ask
from assay.rollout.journal import Journal, read_journal
from assay.rollout.plan import make_plan
from assay.rollout.traffic.haproxy import HaproxyBalancer
from assay.rollout.traffic.haproxy_config import HaproxyConfig
from assay.settings import Settings, load
from rollout.small_arms import Arm, two_arms
from servers.haproxy import RunningHaproxy, haproxy
from servers.redis import free_port


@dataclass
class Site:
    """`arms`: by data centre, in blue and in green. `document`: the settings, written by `settings`."""

    folder: Path
    arms: dict[str, tuple[Arm, Arm]]
    fronts: dict[str, RunningHaproxy]
    document: dict[str, Any]

    @property
    def file(self) -> Path:
        return self.folder / "assay.toml"

    @property
    def state_dir(self) -> Path:
        return self.folder / "rollout"

    def settings(self) -> Settings:
        self.file.write_text(tomli_w.dumps(self.document))
        return load([self.file], environment={})

    def centre(self, name: str) -> Any:
        """Its settings, to be changed."""
        return self.document["rollout"]["data_centres"][name]

    def kinds(self) -> list[str]:
        return [entry.kind for entry in read_journal(self.state_dir)]

    def texts(self) -> list[str]:
        return [str(entry.data.get("text", "")) for entry in read_journal(self.state_dir)]

    def balancer(self, name: str) -> HaproxyBalancer:
        return HaproxyBalancer(self.fronts[name].runtime)

    async def weights(self) -> dict[str, tuple[int, int]]:
        """Of blue and green, by data centre; all servers of a slot have the same."""
        found = {}
        for name in self.fronts:
            servers = (await self.balancer(name).servers()).values()
            blue, green = ({s.weight for s in servers if s.slot == slot} for slot in ("blue", "green"))
            assert (len(blue), len(green)) == (1, 1)
            found[name] = (blue.pop(), green.pop())
        return found

    def stopped(self) -> Collection[str]:
        """Slots whose processes were told to end."""
        return {path.name.removeprefix("stopped-") for path in self.folder.glob("stopped-*")}

    def under_way(self, stage: int, *, now: bool = False) -> None:
        """A journal as a controller left it that was killed in that stage."""
        settings = self.settings()
        plan = make_plan(settings.rollout, now=now)
        blue, green = next(iter(self.arms.values()))
        with Journal(self.state_dir) as journal:
            journal.append(
                "started",
                {
                    "id": f"1-{green.release}",
                    "stable": {"slot": "blue", "release": blue.release},
                    "candidate": {"slot": "green", "release": green.release},
                    "plan": plan.as_data(),
                    "is_emergency": now,
                    "by": "ada",
                },
            )
            for number in range(1, stage + 1):
                journal.append("stage", {"number": number})


@asynccontextmanager
async def small_site(folder: Path, *names: str) -> AsyncIterator[Site]:
    """Blue is stable, both releases answer everywhere. With two data centres, each is the other's remote, and
    the first is inactive."""
    ports = [free_port() for _ in names]
    log_address = f"127.0.0.1:{free_port()}"
    async with AsyncExitStack() as stack:
        arms, fronts, centres = {}, {}, {}
        for index, name in enumerate(names):
            blue, green = arms[name] = await stack.enter_async_context(two_arms())
            stack.push_async_callback(_taken, (*blue.urls, *green.urls))
            has_remote = len(names) > 1
            options = HaproxyConfig(
                data_centre=name,
                slots={"blue": blue.addresses, "green": green.addresses},
                log_address=log_address,
                remote=f"127.0.0.1:{ports[index - 1]}" if has_remote else "",
                peers=("127.0.0.1",) if has_remote else (),
                check_ms=50,
            )
            fronts[name] = stack.enter_context(haproxy(options, port=ports[index]))
            centres[name] = {
                "haproxy": fronts[name].runtime,
                "front_url": fronts[name].url,
                "slots": {"blue": {"urls": list(blue.urls)}, "green": {"urls": list(green.urls)}},
                "nodes": {name: {"assay": ["false"], "stop": ["touch", str(folder / "stopped-{slot}")]}},
                "remote_server": "remote" if has_remote else "",
                "is_active": index == len(names) - 1,
            }
        site = Site(folder, arms, fronts, {})
        site.document = {
            "releases": {"root": str(folder / "root"), "store": str(folder / "store")},
            "rollout": {
                "state_dir": str(site.state_dir),
                "log_address": log_address,
                "data_centres": centres,
            },
        }
        site.settings()
        yield site


async def _taken(urls: Collection[str]) -> None:
    """All connections that HAProxy opened are accepted: those that wait would never be closed."""
    async with askers() as (asker, _):
        for url in urls:
            await asker.ask(url, Ask("/readyz"))
