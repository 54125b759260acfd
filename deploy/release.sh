#!/usr/bin/env bash
# Builds a release into dist/: binaries, completion scripts, the manual page, licences, a CycloneDX
# bill of materials, a statement of provenance, and the checksums of them all.
#
#   deploy/release.sh          build for all of $PLATFORMS
#   deploy/release.sh check    build twice, the second time from a clone with an empty cache, and
#                              fail when a checksum differs, or when the bill of materials breaks
#                              the schema of CycloneDX
#
#   VERSION=v1.2.3                    what `leadbridge version` tells; else the commit
#   PLATFORMS='linux/amd64 …'         instead of linux, darwin and windows on amd64 and arm64
#
# Everything is the same wherever the commit is built: see deploy/image.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/attest.sh

platforms=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64}
toolchain=go$(sed -n 's/^go //p' go.mod)

# go_build OS ARCH FILE
go_build() {
  env GOFLAGS= GOEXPERIMENT= GOAMD64=v1 GOARM64=v8.0 GOFIPS140=off GOWORK=off CGO_ENABLED=0 GOOS="$1" GOARCH="$2" GOTOOLCHAIN="$toolchain" \
    go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$version" -o "$3" ./cmd/leadbridge
}

# release DIR: build everything into DIR
release() {
  local dir=$1 os arch host=$1/.host
  rm -rf "$dir"
  mkdir -p "$dir"
  for platform in $platforms; do
    os=${platform%/*} arch=${platform#*/}
    go_build "$os" "$arch" "$dir/leadbridge-$version-$os-$arch$([ "$os" != windows ] || echo .exe)"
  done
  go_build "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" "$host"
  "$host" completion bash >"$dir/leadbridge.bash"
  "$host" completion zsh >"$dir/_leadbridge"
  "$host" completion fish >"$dir/leadbridge.fish"
  "$host" man >"$dir/leadbridge.1"
  rm "$host"
  deploy/licences.sh >"$dir/LICENSES"
  bill "$dir/leadbridge.cdx.json"
  (cd "$dir" && sha256sum -- *) | provenance deploy/release.sh "$platforms" >"$dir/.provenance"
  mv "$dir/.provenance" "$dir/leadbridge.intoto.json"
  (cd "$dir" && sha256sum -- * >SHA256SUMS)
}

# check builds everything again, elsewhere.
check() {
  [ -z "$modified" ] || { echo "there are changes that are not committed: what is built of them is not compared" >&2; exit 2; }
  tmp=$(mktemp -d) # not local: the trap runs when the function is over
  trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
  release "$PWD/dist"
  (cd deploy/test && tool ./bill) <dist/leadbridge.cdx.json
  git clone -q . "$tmp/elsewhere"
  (cd "$tmp/elsewhere" && GOCACHE="$tmp/cache" release "$tmp/out")
  diff dist/SHA256SUMS "$tmp/out/SHA256SUMS"
  cat dist/SHA256SUMS
  echo "the same release"
}

revision=$(git rev-parse HEAD)
modified=$(git status --porcelain)
version=${VERSION:-devel+${revision:0:12}${modified:+-modified}}
case ${1:-} in
  "")
    release "$PWD/dist"
    cat dist/SHA256SUMS ;;
  check) check ;;
  *) sed -n '2,/^$/{s/^# \?//p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
