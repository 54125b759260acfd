# Sourced by release.sh and image.sh: the bill of materials, and the statement of provenance.
# Both want $version, $revision and $toolchain to be set.

# Makes bills of materials (Apache-2.0).
cyclonedx=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

# tool PACKAGE ARGS: run a program, built in the usual cache even while a check builds from nothing
tool_cache=$(go env GOCACHE)
tool() { GOFLAGS='' GOCACHE=$tool_cache go run "$@"; }

# bill FILE: a CycloneDX bill of materials, with licences and the standard library of the compiler
bill() {
  GOTOOLCHAIN=$toolchain tool "$cyclonedx" mod -type application -std -licenses -json -noserial -output "$1.part" . 2>"$1.log" || { cat "$1.log" >&2; return 1; }
  tool ./deploy/attest bill -version "$version" <"$1.part" >"$1"
  rm "$1.part" "$1.log"
}

# provenance BUILDER PLATFORMS: an in-toto statement of which commit was built, by which script and for which platforms;
# what was built is read from standard input, as sha256sum writes it
provenance() {
  tool ./deploy/attest provenance -version "$version" -revision "$revision" -toolchain "$toolchain" -builder "$1" -platforms "$2"
}
