#!/bin/sh
# Starts the server with the password of REDIS_PASSWORD. The configuration goes in by standard
# input, since arguments can be read by every process of the machine.
set -eu

case ${REDIS_PASSWORD:?is not set} in
*[!A-Za-z0-9._~-]*)
    echo "REDIS_PASSWORD may hold letters, digits and . _ ~ - only: it becomes part of a URL" >&2
    exit 2
    ;;
esac

exec docker-entrypoint.sh valkey-server - <<CONFIGURATION
$(cat "${REDIS_CONF:-/etc/tuneq/redis.conf}")
requirepass $REDIS_PASSWORD
CONFIGURATION
