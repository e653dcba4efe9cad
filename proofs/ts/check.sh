#!/usr/bin/env bash
# Installs what package-lock.json pins, checks the types, and runs all tests.
# Needs Node 20.19 or later with npm; on a Debian where it is root, it installs them.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v npm >/dev/null; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "proofs/ts needs Node 20.19 or later with npm: install them and run this again"
		exit 1
	fi
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends nodejs npm
fi
if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'; then
	echo "proofs/ts: got Node $(node --version), want 20.19 or later"
	exit 1
fi

npm ci --no-audit --no-fund
if find node_modules -name '*.go' -print -quit | grep -q .; then
	echo "proofs/ts: a dependency brings Go files, which ./... would take for ours"
	exit 1
fi
npm test
