package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMeasure(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a/a.go", "package a\n\n// T is a type.\ntype T struct{ x, y int }\n\n// f wants mu held.\nfunc (t *T) f() {\n}\n\nfunc (t *T) F() {}\n")
	write("a/a_test.go", "package a\n")
	write(".hidden/b.go", "not Go")
	rooms, err := measure(root)
	if err != nil {
		t.Fatal(err)
	}
	r := rooms["a"]
	if len(rooms) != 1 || r == nil {
		t.Fatalf("rooms %v", rooms)
	}
	if r.code != 10 || r.tests != 1 || r.locks != 1 || r.exported != 2 || r.explains != 1 {
		t.Errorf("%+v", r)
	}
	if got := most(r.methods) + ", " + most(r.fields) + ", " + spread(r.functions); got != "2 T, 2 T, 1/1/2" {
		t.Error(got)
	}
}
