#!/usr/bin/env bash
# Everything that can be said about the code without running it: `npm run check`.
# All steps run, also after one has failed; each prints its name and time. The exit code is 0 only if all passed.
set -u
cd "$(dirname "$0")/.." || exit 1
export PATH="$PWD/node_modules/.bin:$PATH"

failed=()

step() {
  local name=$1 started=$SECONDS
  shift
  printf '\n== %s: %s\n' "$name" "$*"
  if "$@"; then
    printf -- '-- %s: passed in %d s\n' "$name" $((SECONDS - started))
  else
    printf -- '-- %s: FAILED in %d s\n' "$name" $((SECONDS - started))
    failed+=("$name")
  fi
}

colors=()
[ -t 1 ] || colors=(--colors=off)

step types tsc --noEmit
step 'format and lint' biome ci "${colors[@]}"
step 'typed rules' oxlint --type-aware --deny-warnings src projections scripts test vitest.config.ts
step architecture vitest run --project unit test/architecture.test.ts
step 'dead code' knip --no-progress
step compose tsx scripts/check-compose.ts docker-compose.yml

echo
if [ ${#failed[@]} -gt 0 ]; then
  (IFS=','; echo "check failed: ${failed[*]}")
  exit 1
fi
echo 'check passed'
