"""Parts of user agents that tell artificial traffic, in lower case."""

# Monitoring that plays a user.
TEST_PATTERNS = ["alwayson"]

# Crawlers.
BOT_PATTERNS = ["googlebot", "bingbot"]
