// Bill reports what breaks the JSON schema of CycloneDX in a bill of materials, which it reads from standard input:
//
//	go run ./bill <leadbridge.cdx.json
//
// The schema is the one that goes with CycloneDX's own module for Go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	_ "github.com/CycloneDX/cyclonedx-go" // so that go.mod names the module with the schema
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func main() {
	if err := check(context.Background(), os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "the bill of materials:", err)
		os.Exit(1)
	}
}

// where the schemas call each other, and ask for them.
const address = "http://cyclonedx.org/schema/"

// check returns what is wrong with a bill of materials; nil: nothing is.
func check(ctx context.Context, in io.Reader) error {
	bill, err := jsonschema.UnmarshalJSON(in)
	if err != nil {
		return err
	}
	document, _ := bill.(map[string]any)
	version, _ := document["specVersion"].(string)
	if document["bomFormat"] != "CycloneDX" || version == "" || strings.Contains(version, "/") {
		return errors.New("it is not one of CycloneDX")
	}
	schema, err := schemaOf(ctx, version)
	if err != nil {
		return err
	}
	return schema.Validate(bill)
}

// schemaOf returns the schema of a version of CycloneDX, such as 1.6.
func schemaOf(ctx context.Context, version string) (*jsonschema.Schema, error) {
	folder, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		return nil, fmt.Errorf("look for CycloneDX's module: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	main := "bom-" + version + ".schema.json"
	for name, file := range map[string]string{main: main, "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json"} {
		if err := add(compiler, name, filepath.Join(strings.TrimSpace(string(folder)), "schema", file)); err != nil {
			return nil, err
		}
	}
	return compiler.Compile(address + main)
}

func add(compiler *jsonschema.Compiler, name, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	schema, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		return fmt.Errorf("the schema %s: %w", name, err)
	}
	return compiler.AddResource(address+name, schema)
}
