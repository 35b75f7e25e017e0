#!/usr/bin/env bash
# Installs the Debian packages whose programs the tests start, where this user may and they are missing. Elsewhere the script
# says what is missing and ends well: the tests that need a program fail then, each with what to install.
set -euo pipefail

# <program>:<package>, one for each program that a test starts; test/programs.ts reads the line.
PROGRAMS=(bwrap:bubblewrap chromium:chromium curl:curl fish:fish initdb:postgresql mkfs.ext4:e2fsprogs openssl:openssl postgres:postgresql prometheus:prometheus promtool:prometheus restic:restic zsh:zsh zstd:zstd)
POLICY=/usr/sbin/policy-rc.d

# Packages whose program is not there.
missing() {
  local pair
  # Debian keeps the programs of PostgreSQL in a folder for each version, and those of file systems where only root looks.
  local PATH=$PATH:/usr/sbin:$(printf '%s:' /usr/lib/postgresql/*/bin)
  for pair in "${PROGRAMS[@]}"; do
    command -v "${pair%%:*}" >/dev/null || printf '%s\n' "${pair##*:}"
  done
}

# Services that a package brings are not started: a test starts what it needs.
without_services() {
  [[ -e $POLICY ]] && return
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod +x "$POLICY"
  trap 'rm -f "$POLICY"' EXIT
}

mapfile -t packages < <(missing)
((${#packages[@]})) || exit 0
if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  without_services
  apt-get update -qq || echo 'test-programs: the lists of packages could not be fetched'
  for package in "${packages[@]}"; do
    apt-get install -y -qq --no-install-recommends "$package" >/dev/null || echo "test-programs: $package could not be installed"
  done
  mapfile -t packages < <(missing)
fi
((${#packages[@]} == 0)) || echo "test-programs: missing: ${packages[*]} (as root: apt-get update && apt-get install ${packages[*]})"
