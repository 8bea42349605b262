"""The one Celery application that web processes send to and workers take from.

Celery carries the jobs, starts and kills the scoring processes and hands out the work; it stores no
results (`assay.scoring.queue.replies` says why) and speaks msgpack only: no message executes anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from celery import Celery
from kombu.entity import Queue

from assay.scoring.queue.envelope import LANES, Lane, queue_name
from assay.scoring.queue.options import CeleryOptions

TASK: Final = "assay.score"
SENT_HEADER: Final = "assay_sent_s"
"""A message's own header with the moment it was sent, which tells how long the oldest has waited."""


def _transport_options(options: CeleryOptions) -> dict[str, Any]:
    """What kombu's Redis transport is told beside the address."""
    return {
        # a message that nobody acknowledged for so long was lost with its worker; by then its web process
        # has sent the job again or given it up, and whoever gets it finds its deadline passed
        "visibility_timeout": options.time_limit_s * 2 + 30,
        "queue_order_strategy": "priority",  # interactive before bulk, always
        "socket_keepalive": True,
        "health_check_interval": 10,
    }


def queue(release: str, lane: Lane) -> Queue:
    """As Celery declares it."""
    name = queue_name(release, lane)
    return Queue(name, routing_key=name)


def build_celery(
    broker_url: str,
    transport_options: Mapping[str, Any],
    release: str,
    options: CeleryOptions,
    tls: Mapping[str, Any] | None = None,
) -> Celery:
    """`broker_url`, `transport_options`, `tls`: as `assay.stores` makes them of the Redis settings."""
    app = Celery("assay", broker=broker_url, set_as_current=False)
    queues = [queue(release, lane) for lane in LANES]
    app.conf.update(
        broker_transport_options={**_transport_options(options), **transport_options},
        broker_use_ssl=tls,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        task_serializer="msgpack",
        accept_content=["msgpack"],
        result_backend=None,
        task_ignore_result=True,
        task_queues=queues,
        task_default_queue=queues[0].name,
        task_create_missing_queues=False,
        task_acks_late=True,
        task_acks_on_failure_or_timeout=True,
        task_reject_on_worker_lost=False,  # the web process that waits sends the job again, once
        task_time_limit=options.time_limit_s,
        worker_disable_prefetch=True,  # a message is taken only when a process is free for it
        worker_prefetch_multiplier=0,  # no second limit: that one counts messages whose acknowledgement was
        # lost with its connection, and a worker that reached it would wait for ever
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return app
