"""The one Celery application: a worker's.

Celery takes the jobs from Redis, starts and kills the scoring processes and hands out the work; it stores no
results (`assay.scoring.queue.replies` says why) and speaks msgpack only: no message executes anything. Web
processes write what they send themselves (`assay.scoring.queue.message`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from celery import Celery
from kombu.entity import Queue

from assay.scoring.queue.envelope import LANES, Lane, queue_name
from assay.scoring.queue.options import CeleryOptions

_TRANSPORT_OPTIONS: Final = {
    # no copy of each message in Redis until it is acknowledged: what is lost with its worker, its web
    # process sends again within seconds, while kombu would wait until nobody wants it any more
    "ack_emulation": False,
    "queue_order_strategy": "priority",  # interactive before bulk, always
    "socket_keepalive": True,
    "health_check_interval": 10,
}
"""What kombu's Redis transport is told beside the address."""


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
        broker_transport_options={**_TRANSPORT_OPTIONS, **transport_options},
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
        worker_disable_rate_limits=True,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return app
