"""The server's side of the nursery, when the other side hangs, dies, or has other models."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from assay.scoring.pool.nursery_handle import EngineFailed, Loader, NurseryHandle
from servers.processes import children, is_running
from small_models import small_models
from waiting import LIMIT_S, until_async

DIGESTS = small_models().digests
SMALL = Loader("small_models:small_models")


@asynccontextmanager
async def handle_of(loader: Loader = SMALL) -> AsyncIterator[NurseryHandle]:
    handle = NurseryHandle(loader)
    try:
        yield handle
    finally:
        await asyncio.to_thread(handle.stop)


@pytest.mark.parametrize(
    ("loader", "reason"),
    [
        (Loader("os:abort"), "did not start"),
        (Loader("json:loads", {"s": "no JSON"}), "JSONDecodeError"),
    ],
)
async def test_a_nursery_that_does_not_load_is_told_and_ended(loader: Loader, reason: str) -> None:
    before = set(children(os.getpid()))
    async with handle_of(loader) as handle:
        with pytest.raises(EngineFailed, match=reason):
            await handle.start(DIGESTS, LIMIT_S)
        assert handle.pid is None
        assert set(children(os.getpid())) <= before
        with pytest.raises(OSError, match="not running"):
            await handle.spawn()


async def test_other_models_than_the_servers_are_refused() -> None:
    async with handle_of() as handle:
        with pytest.raises(EngineFailed, match="restart"):
            await handle.start({**DIGESTS, "testwiki/revid": "another"}, LIMIT_S)
        assert handle.pid is None


async def test_processes_asked_for_at_once_are_different_ones_on_sockets_of_their_own() -> None:
    async with handle_of() as handle:
        await handle.start(DIGESTS, LIMIT_S)
        made = await asyncio.gather(*(handle.spawn() for _ in range(3)))
        try:
            assert handle.pid is not None
            assert sorted(pid for pid, _ in made) == sorted(children(handle.pid))
            assert not any(connection.getblocking() for _, connection in made)
            pid, connection = made[1]
            handle.kill(pid)
            assert await asyncio.get_running_loop().sock_recv(connection, 1) == b""
            nursery = handle.pid
            await until_async(lambda: set(children(nursery)) == {made[0][0], made[2][0]})
        finally:
            for _, connection in made:
                connection.close()


async def test_a_dead_nursery_is_told_and_begun_again() -> None:
    async with handle_of() as handle:
        await handle.start(DIGESTS, LIMIT_S)
        first = handle.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        with pytest.raises((OSError, EOFError)):
            await handle.spawn()
        handle.kill(first)  # nobody is there to be told
        await handle.start(DIGESTS, LIMIT_S)
        assert handle.pid not in (None, first)
        assert not is_running(first)
        _, connection = await handle.spawn()
        connection.close()


async def test_a_nursery_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = subprocess.Popen.wait

    def impatient(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        return wait(process, None if timeout is None else 0.01)

    monkeypatch.setattr(subprocess.Popen, "wait", impatient)
    before = set(children(os.getpid()))
    async with handle_of(Loader("signal:pause")) as handle:
        with pytest.raises(EngineFailed, match="did not start"):
            await handle.start(DIGESTS, 0.1)
        assert handle.pid is None
        assert set(children(os.getpid())) <= before


async def test_it_depends_on_nothing_around_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules where the server was started are strangers', a library's threads would not survive the forks,
    and a terminal's input is the server's."""
    (tmp_path / "orjson.py").write_text("raise SystemExit('a stranger')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    async with handle_of() as handle:
        await handle.start(DIGESTS, LIMIT_S)
        process = Path(f"/proc/{handle.pid}")
        assert b"OMP_NUM_THREADS=1" in (process / "environ").read_bytes().split(b"\0")
        assert (process / "fd" / "0").readlink() == Path(os.devnull)
        assert len(list((process / "task").iterdir())) == 1
