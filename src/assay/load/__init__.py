"""A load generator for Assay, and for whatever else speaks ORES's third API.

Open loop: requests become due at times that are fixed beforehand, whatever the server does, as the visitors
of a wiki do not wait for each other. A generator that waits for answers sends less to a server that stalls,
and measures least where it matters most (Gil Tene's "coordinated omission"); here a latency runs from the
moment a request was *due*.

    report = await run(LoadPlan(urls=("http://127.0.0.1:8080",), wiki="testwiki", revisions=range(1, 10**6)))
    assert (report.lost, report.wrong) == (0, 0)
"""

from assay.load.driver import Answered as Answered
from assay.load.driver import run as run
from assay.load.plan import LoadPlan as LoadPlan
from assay.load.plan import fresh_revisions as fresh_revisions
from assay.load.report import LoadReport as LoadReport
from assay.load.report import Tally as Tally
from assay.load.verify import Expectations as Expectations
