"""A pytest plugin for `dev.py fuzz`: the same property tests, with as many examples as there is time for.

`VOLTHOOD_FUZZ_EXAMPLES` says how many. A test that sets `max_examples` itself keeps its own number.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("VOLTHOOD_FUZZ_EXAMPLES", "2000")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fuzz")
