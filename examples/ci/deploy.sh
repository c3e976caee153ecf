#!/usr/bin/env bash
# `pulumi up` for a CI job that may be cancelled. CI systems send one signal, soon a second, and then kill. Pulumi takes
# the first as "finish what runs and save the state" and the second as "stop at once", which would lose what is under
# way. So the first is passed on as SIGINT and the others are ignored: the provider ends its waits within a second, and
# a stream that is down between stop and start gets up to a minute to be up again.
#   STACK=prod examples/ci/deploy.sh
set -uo pipefail
: "${STACK:?which stack}"
PULUMI=${PULUMI:-pulumi}
export PULUMI_PARALLEL=${PULUMI_PARALLEL:-64} # jobs are worked on side by side, and share their calls

set -m # a process group of its own: what the CI system sends to this script's group does not reach the deployment
$PULUMI up --stack "$STACK" --yes --skip-preview --non-interactive &
deployment=$!
cancel() {
  trap '' INT TERM
  kill -INT "$deployment" 2>/dev/null
}
trap cancel INT TERM
while true; do
  wait "$deployment"
  status=$?
  # A wait that a signal ended says more than 128 while the deployment goes on.
  kill -0 "$deployment" 2>/dev/null || exit "$status"
done
