#!/usr/bin/env bash
# Writes the licences of all modules that are compiled into leadbridge for any platform, its own
# first: they want their text to go with each copy. The order is that of the modules' names by their
# bytes, so that the same go.mod gives the same file on every system and in every language.
#
#   deploy/licences.sh > LICENSES
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C GOFLAGS= GOWORK=off CGO_ENABLED=0
GOTOOLCHAIN=go$(sed -n 's/^go //p' go.mod)
export GOTOOLCHAIN

# modules lists path, version and directory of each. Which there are differs by system: one of linux only is not seen
# from darwin.
modules() {
  local os arch
  for os in linux darwin windows; do
    for arch in amd64 arm64; do
      GOOS=$os GOARCH=$arch go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/leadbridge
    done
  done | sort -u
}

printf 'leadbridge\n\n'
cat LICENSE
printf '\n%s\n\nGo: the standard library and runtime\n\n' "$(printf '=%.0s' {1..78})"
cat "$(go env GOROOT)/LICENSE"
modules |
  while read -r path version dir; do
    printf '\n%s\n\n%s %s\n' "$(printf '=%.0s' {1..78})" "$path" "$version"
    found=0
    for file in "$dir"/LICENSE* "$dir"/License* "$dir"/LICENCE* "$dir"/COPYING* "$dir"/NOTICE*; do
      [ -f "$file" ] || continue
      found=1
      printf '\n'
      cat "$file"
    done
    [ $found = 1 ] || { echo "$path has no licence that goes with it" >&2; exit 1; }
  done
