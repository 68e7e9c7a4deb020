"""What holds for every test: where examples come from, and how many are tried.

Examples found by hypothesis are the same in each run, so that a failure is a change in the code and not in the dice.
`make test ARGS="--hypothesis-profile=explore"` throws new dice, and more of them.
"""

from hypothesis import HealthCheck, settings

# A shared machine is slow now and then, and a compiled function is slow once: neither is a failure.
settings.register_profile(
    "house", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", settings.get_profile("house"), derandomize=False, max_examples=1_000)
settings.load_profile("house")
