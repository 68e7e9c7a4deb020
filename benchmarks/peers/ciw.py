"""The queue in Ciw (https://ciw.readthedocs.io)."""

from time import process_time

from benchmarks.peers import LOAD, Measured, main


def run(servers: int, requests: int) -> Measured:
    import ciw

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(LOAD * servers)],
        service_distributions=[ciw.dists.Exponential(1.0)],
        number_of_servers=[servers],
    )
    ciw.seed(1)
    simulation = ciw.Simulation(network)
    began = process_time()
    simulation.simulate_until_max_customers(requests, method="Finish")
    took = process_time() - began
    latencies = [record.exit_date - record.arrival_date for record in simulation.get_all_records()]
    return len(latencies), took, sum(latencies) / len(latencies)


if __name__ == "__main__":
    main(run)
