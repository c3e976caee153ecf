#!/usr/bin/env bash
# Fails (3) when somebody has changed or deleted what the stack declares; drift.md says what.
#   STACK=prod examples/ci/drift.sh
set -uo pipefail
: "${STACK:?which stack}"
PULUMI=${PULUMI:-pulumi}

# --run-program: with the credentials of this job, not with those that the state remembers.
$PULUMI refresh --stack "$STACK" --preview-only --run-program --json --non-interactive >drift.json
refreshed=$?
pulumi-dli summary drift.json --drift >drift.md || exit 1
cat drift.md
[ "$refreshed" -eq 0 ] || exit "$refreshed"
exec pulumi-dli summary drift.json --drift --text --fail-on drifted >/dev/null
