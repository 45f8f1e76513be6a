#!/usr/bin/env bash
# Runs `npm test` under other versions of Node than the installed one: `npm run test:node`, or with versions: `-- 22 24`.
# The node binaries come from the npm package `node`. All versions run, also after one has failed.
set -u
cd "$(dirname "$0")/.." || exit 1

versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(22 24)
failed=()

for version in "${versions[@]}"; do
  binary=$(npx --yes "node@$version" -p process.execPath) || binary=
  if [ ! -x "$binary" ]; then
    echo "Node $version could not be fetched"
    failed+=("$version")
    continue
  fi
  # First in PATH, npm itself and every test process run under this binary.
  folder=$(dirname "$binary")
  actual=$(PATH="$folder:$PATH" node -p process.version)
  printf '\n== npm test under Node %s\n' "$actual"
  case "$actual" in
    "v$version" | "v$version".*) PATH="$folder:$PATH" npm test || failed+=("$version") ;;
    *) echo "asked for Node $version, got $actual" && failed+=("$version") ;;
  esac
done

echo
if [ ${#failed[@]} -gt 0 ]; then
  echo "failed under Node: ${failed[*]}"
  exit 1
fi
echo "passed under Node: ${versions[*]}"
