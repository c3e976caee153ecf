#!/usr/bin/env bash
# Preview the stack and write what it would do to the streams: preview.json for machines, comment.md for people.
# Fails when the preview fails, or when a change is in DLI_FAIL_ON (words of `pulumi-dli summary --fail-on`).
#   STACK=dev examples/ci/preview.sh
set -uo pipefail
: "${STACK:?which stack}"
PULUMI=${PULUMI:-pulumi}

# A failed preview prints its JSON all the same: what blocked it belongs into the comment.
$PULUMI preview --stack "$STACK" --json --non-interactive >preview.json
previewed=$?
{
  echo "<!-- pulumi-dli:$STACK -->" # by this line the comment is found again
  pulumi-dli summary preview.json || echo "The preview of $STACK failed before it began: see the log of this job."
} >comment.md
cat comment.md
[ "$previewed" -eq 0 ] || exit "$previewed"
exec pulumi-dli summary preview.json --text --fail-on "${DLI_FAIL_ON:-state-dropped,blocked}" >/dev/null
