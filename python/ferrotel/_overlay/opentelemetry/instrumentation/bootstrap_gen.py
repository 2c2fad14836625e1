"""What `opentelemetry-bootstrap` proposes: for a library that is installed, the instrumentation package of the
reference.

What ferrotel has built in is not listed.
"""

_RELEASE = "0.66b1"

# The library, and what is behind `opentelemetry-instrumentation-`.
_LIBRARIES = [
    ("aio_pika >= 7.2.0, < 11.0.0", "aio-pika"),
    ("aiohttp ~= 3.0", "aiohttp-client"),
    ("aiohttp ~= 3.0", "aiohttp-server"),
    ("aiokafka >= 0.8, < 1.0", "aiokafka"),
    ("aiopg >= 0.13.0, < 2.0.0", "aiopg"),
    ("asyncclick ~= 8.0", "asyncclick"),
    ("asyncpg >= 0.12.0", "asyncpg"),
    ("boto3 ~= 1.0", "boto3sqs"),
    ("botocore ~= 1.0", "botocore"),
    ("aiobotocore >= 2.0, < 4.0", "botocore"),
    ("cassandra-driver ~= 3.25", "cassandra"),
    ("scylla-driver ~= 3.25", "cassandra"),
    ("click >= 8.1.3, < 9.0.0", "click"),
    ("confluent-kafka >= 1.8.2, < 3.0.0", "confluent-kafka"),
    ("falcon >= 1.4.1, < 5.0.0", "falcon"),
    ("grpcio >= 1.42.0", "grpc"),
    ("jinja2 >= 2.7, < 4.0", "jinja2"),
    ("kafka-python >= 2.0, < 4.0", "kafka-python"),
    ("mysql-connector-python >= 8.0", "mysql"),
    ("mysqlclient < 3", "mysqlclient"),
    ("pika >= 0.12.0", "pika"),
    ("psycopg >= 3.1.0", "psycopg"),
    ("pymemcache >= 1.3.5, < 5", "pymemcache"),
    ("pymongo >= 3.1, < 5.0", "pymongo"),
    ("pymssql >= 2.1.5, < 3", "pymssql"),
    ("PyMySQL < 2", "pymysql"),
    ("pyramid >= 1.7", "pyramid"),
    ("remoulade >= 0.50", "remoulade"),
    ("starlette >= 0.13", "starlette"),
    ("structlog >= 21.1", "structlog"),
    ("psutil >= 5", "system-metrics"),
    ("tornado >= 5.1.1", "tornado"),
    ("tortoise-orm >= 0.17.0", "tortoiseorm"),
    ("pydantic >= 1.10.2", "tortoiseorm"),
    ("urllib3 >= 1.0.0, < 3.0.0", "urllib3"),
]

libraries = [
    # Of these two the reference does not pin the release.
    {
        "library": "openai >= 1.26.0",
        "instrumentation": "opentelemetry-instrumentation-openai-v2",
    },
    {
        "library": "google-cloud-aiplatform >= 1.64",
        "instrumentation": "opentelemetry-instrumentation-vertexai>=2.0b0",
    },
    *(
        {"library": library, "instrumentation": f"opentelemetry-instrumentation-{name}=={_RELEASE}"}
        for library, name in _LIBRARIES
    ),
]

# For what belongs to Python itself, or to no one library.
default_instrumentations = [
    f"opentelemetry-instrumentation-{name}=={_RELEASE}"
    for name in (
        "asyncio",
        "exceptions",
        "sqlite3",
        "urllib",
    )
]
