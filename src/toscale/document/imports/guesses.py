"""Of what kind is a component that a file calls by a product, an image or a word? A guess, and what it rests on.

Products first (`postgres`, `rabbitmq`), then words of roles (`queue`, `gateway`), each as a whole word of the text.
"""

from __future__ import annotations

import re

from toscale.kinds import KINDS

__all__ = ["guessed", "kind_named"]

_PRODUCTS: dict[str, str] = {
    "database": "postgres postgresql postgis pgvector mysql mariadb percona mssql sqlserver oracle cockroach "
    "cockroachdb timescaledb timescale sqlite aurora rds db2 clickhouse tidb vitess yugabyte yugabytedb",
    "document": "mongo mongodb couchdb couchbase firestore documentdb ferretdb rethinkdb arangodb",
    "wide_column": "cassandra scylla scylladb hbase bigtable",
    "key_value": "dynamodb riak tikv leveldb rocksdb aerospike foundationdb",
    "cache": "redis valkey keydb memcached memcache dragonfly dragonflydb varnish hazelcast elasticache",
    "search": "elasticsearch opensearch solr meilisearch typesense sphinx manticore",
    "object_store": "minio s3 seaweedfs gcs ceph",
    "queue": "rabbitmq activemq artemis sqs beanstalkd mosquitto servicebus",
    "stream": "kafka redpanda pulsar kinesis nats jetstream",
    "load_balancer": "nginx haproxy traefik envoy caddy elb alb nlb httpd",
    "gateway": "kong apisix krakend tyk apigee",
    "coordination": "zookeeper etcd consul vault",
    "cdn": "cloudfront cloudflare fastly akamai",
    "dns": "coredns bind9 route53 dnsmasq unbound",
    "function": "lambda openfaas knative",
}
_ROLES: dict[str, str] = {
    "load_balancer": "balancer lb proxy ingress",
    "gateway": "gateway",
    "websocket": "websocket websockets",
    "worker": "worker workers consumer consumers scheduler cron processor",
    "cache": "cache",
    "search": "search",
    "object_store": "bucket blob blobs",
    "queue": "queue queues broker mq outbox",
    "stream": "stream topic topics",
    "database": "database db sql schema",
    "cdn": "cdn",
    "dns": "dns",
    "function": "function serverless",
    "client": "browser mobile spa ios android",
    "external": "external",
}
_WORDS = [
    (what, word, kind)
    for what, table in (("product", _PRODUCTS), ("word", _ROLES))
    for kind, words in table.items()
    for word in words.split()
]


def guessed(*texts: str) -> tuple[str, str] | None:
    """The kind that the first telling text suggests, and why; None where no word is known."""
    for text in texts:
        words = set(re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()))
        for what, word, kind in _WORDS:
            if word in words:
                return kind, f"the {what} `{word}`"
    return None


def kind_named(text: str) -> str | None:
    """The kind that a caption of ours begins with, such as `load balancer ×2`, or that a tag is."""
    words = text.strip().lower().replace(" ", "_")
    found = [kind for kind in KINDS if re.match(rf"{kind}(?![a-z])", words)]
    return max(found, key=len, default=None)
