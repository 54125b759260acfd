#!/usr/bin/env bash
# Builds the image: one static binary with its licences and bill of materials, and deploy/Dockerfile
# around them. Beside it goes a statement of provenance, bin/image.intoto.json.
#
#   deploy/image.sh          build $IMAGE (leadbridge:dev) for $PLATFORM (this machine's)
#   deploy/image.sh check    build binary and image twice, the second time from a clone with an
#                            empty cache, and fail when they differ
#
#   VERSION=v1.2.3   what `leadbridge version` tells; else the commit
#   ENGINE=podman    another engine than docker
#
# The binary is the same wherever the commit is built: the compiler is the one that go.mod names,
# paths are cut off, no C is linked, times are the commit's. The image is as far as the engine
# allows: BuildKit takes its times from the commit too; the older builder writes the
# time of the build into the image's configuration, so that there only the layer is the same.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/attest.sh

engine=${ENGINE:-docker}
platform=${PLATFORM:-linux/$(go env GOARCH)}
image=${IMAGE:-leadbridge:$(v=${VERSION:-dev}; echo "${v#v}")}

# binary DIR: build DIR/leadbridge from the source in this directory, and licences and bill of materials beside it
binary() {
  mkdir -p "$1"
  env GOFLAGS= GOEXPERIMENT= GOAMD64=v1 GOARM64=v8.0 GOFIPS140=off GOWORK=off CGO_ENABLED=0 GOOS="${platform%%/*}" GOARCH="${platform##*/}" \
    GOTOOLCHAIN="$toolchain" \
    go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$version" -o "$1/leadbridge" ./cmd/leadbridge
  chmod 0755 "$1/leadbridge"
  deploy/licences.sh >"$1/LICENSES"
  bill "$1/leadbridge.cdx.json"
  chmod 0644 "$1/LICENSES" "$1/leadbridge.cdx.json"
  TZ=UTC touch -d "@$SOURCE_DATE_EPOCH" "$1/leadbridge" "$1/LICENSES" "$1/leadbridge.cdx.json"
}

# build IMAGE DIR [ARGS]: build the image of DIR/leadbridge
build() {
  local name=$1 dir=$2
  shift 2
  "$engine" build --quiet "$@" --platform "$platform" --tag "$name" --file deploy/Dockerfile \
    --build-arg VERSION="$version" --build-arg REVISION="$revision" \
    --build-arg CREATED="$(TZ=UTC date -d "@$SOURCE_DATE_EPOCH" +%FT%TZ)" \
    --build-arg SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" "$dir" >/dev/null
}

inspect() { "$engine" image inspect --format "$1" "$2"; }

# tell IMAGE DIR: what was built
tell() {
  echo "$1  $platform, $(inspect '{{.Size}}' "$1") bytes"
  echo "  version  $(inspect '{{index .Config.Labels "org.opencontainers.image.version"}}' "$1")"
  echo "  binary   sha256:$(sha256sum <"$2/leadbridge" | cut -d' ' -f1)"
  echo "  layer    $(inspect '{{index .RootFS.Layers 0}}' "$1")"
  echo "  image    $(inspect '{{.Id}}' "$1")"
}

# origin IMAGE DIR: the statement of provenance of an image, of its binary and of its bill of materials
origin() {
  local id
  id=$(inspect '{{.Id}}' "$1")
  (echo "${id#sha256:}  $1"; cd "$2" && sha256sum -- leadbridge leadbridge.cdx.json) | provenance deploy/image.sh "$platform"
}

# check builds everything again, elsewhere.
check() {
  # Not local: the trap runs when the function is over.
  here=$PWD/bin/image again=leadbridge-check:again first=leadbridge-check:first
  [ -z "$modified" ] || { echo "there are changes that are not committed: what is built of them is not compared" >&2; exit 2; }
  tmp=$(mktemp -d)
  trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"; "$engine" rmi -f "$first" "$again" >/dev/null 2>&1 || true' EXIT
  binary "$here"
  build "$first" "$here" --no-cache
  git clone -q . "$tmp/elsewhere"
  (cd "$tmp/elsewhere" && GOCACHE="$tmp/cache" binary "$tmp/out")
  build "$again" "$tmp/out" --no-cache
  tell "$first" "$here"
  tell "$again" "$tmp/out"
  cmp "$here/leadbridge" "$tmp/out/leadbridge"
  cmp "$here/LICENSES" "$tmp/out/LICENSES"
  cmp "$here/leadbridge.cdx.json" "$tmp/out/leadbridge.cdx.json"
  [ "$(inspect '{{.RootFS.Layers}}' "$first")" = "$(inspect '{{.RootFS.Layers}}' "$again")" ] || { echo "the layers differ" >&2; exit 1; }
  if [ "$(inspect '{{.Id}}' "$first")" = "$(inspect '{{.Id}}' "$again")" ]; then
    echo "the same binary, the same image"
  else
    echo "the same binary and layer; the image's configuration differs by the time of its build ($engine without BuildKit)"
  fi
}

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
revision=$(git rev-parse HEAD)
toolchain=go$(sed -n 's/^go //p' go.mod)
modified=$(git status --porcelain)
version=${VERSION:-devel+${revision:0:12}${modified:+-modified}}
case ${1:-} in
  "")
    binary bin/image
    build "$image" bin/image
    origin "$image" bin/image >bin/image.intoto.json
    tell "$image" bin/image ;;
  check) check ;;
  *) sed -n '2,/^$/{s/^# \?//p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
