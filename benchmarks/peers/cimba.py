"""The queue in cimba, a C engine (https://github.com/FBarrca/cimba_python), in the fastest of its idioms.

Arrivals put the time into a store, servers take it out; a process for each customer takes ten times as long.
"""

from time import process_time

import cimba as cb
from cimba import inputs

from benchmarks.peers import LOAD, Measured, main


def run(servers: int, requests: int) -> Measured:
    class Queue(cb.Model):
        gap: cb.Input[float] = inputs.dist.exponential(mean=1 / (LOAD * servers))
        work: cb.Input[float] = inputs.dist.exponential(mean=1.0)
        line: cb.Store[float]
        latency: cb.Dataset
        mean: cb.Output[float]
        served: cb.Output[float]

        @cb.process
        def arrivals(self) -> None:
            while True:
                cb.hold(self.gap.next())
                self.line.put(cb.now())

        @cb.process(copies=servers)
        def server(self) -> None:
            while True:
                came = self.line.get()
                cb.hold(self.work.next())
                self.latency.record(cb.now() - came)

        @cb.on_end
        def measure(self) -> None:
            self.mean = self.latency.sample_mean()
            self.served = self.latency.sample_count()

    model = Queue()

    def simulated(duration: float) -> Measured:
        window = cb.Window(warmup=0.0, duration=duration)
        experiment = cb.Experiment(model, replications=1, window=window, seed=1)
        began = process_time()
        found = experiment.run()[model]
        took = process_time() - began
        return int(found.served.values[0][0]), took, float(found.mean.values[0][0])

    simulated(10.0)  # compiles
    return simulated(requests / (LOAD * servers))


if __name__ == "__main__":
    main(run)
