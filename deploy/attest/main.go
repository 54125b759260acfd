// Attest makes the statements that go with what was built: deploy/release.sh and deploy/image.sh run it.
//
//	attest bill -version v1.2.3 <bom.json >leadbridge.cdx.json
//	sha256sum FILE… | attest provenance -version v1.2.3 -revision COMMIT -toolchain go1.26.8 \
//	    -builder deploy/release.sh -platforms 'linux/amd64 linux/arm64' >leadbridge.intoto.json
//
// The same input gives the same output, byte for byte.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "attest:", err)
		os.Exit(1)
	}
}

// build says what was built, from what and how.
type build struct {
	version   string // what leadbridge version tells
	revision  string // the commit
	toolchain string // such as go1.26.8
	builder   string // path of the script
	platforms string // separated by blanks, such as linux/amd64
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("give bill or provenance")
	}
	var b build
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.StringVar(&b.version, "version", "", "what was built")
	flags.StringVar(&b.revision, "revision", "", "the commit")
	flags.StringVar(&b.toolchain, "toolchain", "", "the compiler, such as go1.26.8")
	flags.StringVar(&b.builder, "builder", "", "path of the script that built it")
	flags.StringVar(&b.platforms, "platforms", "", "what it was built for, separated by blanks")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "bill":
		return bill(b.version, in, out)
	case "provenance":
		return provenance(b, in, out)
	}
	return fmt.Errorf("%q is not bill or provenance", args[0])
}

// bill gives a CycloneDX bill of materials the version of what was built, and takes away what tells of its making: the
// time, the machine, and the hashes of the program that made it, which is built on that machine. The version that its
// maker finds is that of the commit, of which a clone without tags knows less.
func bill(version string, in io.Reader, out io.Writer) error {
	var bom map[string]any
	if err := json.NewDecoder(in).Decode(&bom); err != nil {
		return fmt.Errorf("the bill of materials: %w", err)
	}
	metadata, _ := bom["metadata"].(map[string]any)
	component, _ := metadata["component"].(map[string]any)
	ref, ok := component["bom-ref"].(string)
	if !ok {
		return errors.New("the bill of materials does not say what it is of")
	}
	delete(metadata, "timestamp")
	tools, _ := metadata["tools"].([]any)
	for _, t := range tools {
		if t, ok := t.(map[string]any); ok {
			delete(t, "hashes")
		}
	}
	delete(component, "purl")
	component["version"] = version
	components, _ := bom["components"].([]any)
	for _, c := range components {
		if c, ok := c.(map[string]any); ok {
			if purl, ok := c["purl"].(string); ok {
				c["purl"] = platform.ReplaceAllString(purl, "")
			}
			if c["name"] == "std" {
				c["evidence"] = licensed("BSD-3-Clause") // its maker finds licences of modules alone
			}
		}
	}
	return write(out, renamed(bom, ref, "leadbridge"))
}

func licensed(id string) map[string]any {
	return map[string]any{"licenses": []any{map[string]any{"license": map[string]any{"id": id}}}}
}

// platform is what a module's address says of the machine that made the bill.
var platform = regexp.MustCompile(`\b(?:goarch|goos)=\w+&`)

// renamed returns a JSON value with each text that is old replaced.
func renamed(value any, old, name string) any {
	switch v := value.(type) {
	case string:
		if v == old {
			return name
		}
	case []any:
		for i := range v {
			v[i] = renamed(v[i], old, name)
		}
	case map[string]any:
		for key := range v {
			v[key] = renamed(v[key], old, name)
		}
	}
	return value
}

// summed is a line of sha256sum.
var summed = regexp.MustCompile(`^([0-9a-f]{64})  (?:\./)?(.+)$`)

const source = "https://github.com/leadbridge/leadbridge"

// provenance writes an in-toto statement with a SLSA predicate about the files that are read as sha256sum lists them. It
// is not signed: that is for whoever publishes them.
func provenance(b build, in io.Reader, out io.Writer) error {
	type object = map[string]any
	var subjects []object
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		m := summed.FindStringSubmatch(lines.Text())
		if m == nil {
			return fmt.Errorf("%q is not a line of sha256sum", lines.Text())
		}
		subjects = append(subjects, object{"name": m[2], "digest": object{"sha256": m[1]}})
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if len(subjects) == 0 {
		return errors.New("nothing was built")
	}
	script := source + "/blob/main/" + b.builder
	return write(out, object{
		"_type":         "https://in-toto.io/Statement/v1",
		"subject":       subjects,
		"predicateType": "https://slsa.dev/provenance/v1",
		"predicate": object{
			"buildDefinition": object{
				"buildType":          script,
				"externalParameters": object{"version": b.version, "platforms": strings.Fields(b.platforms)},
				"internalParameters": object{},
				"resolvedDependencies": []object{
					{"uri": "git+" + source, "digest": object{"gitCommit": b.revision}},
					{"name": b.toolchain, "uri": "pkg:golang/toolchain@" + strings.TrimPrefix(b.toolchain, "go")},
				},
			},
			"runDetails": object{"builder": object{"id": script}},
		},
	})
}

func write(out io.Writer, value any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}
