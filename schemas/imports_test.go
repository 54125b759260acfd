package schemas

import (
	"strings"
	"testing"
)

func TestKnownImportsCompile(t *testing.T) {
	for name := range knownImports() {
		t.Run(strings.ReplaceAll(name, "/", "_"), func(t *testing.T) {
			s := source{kind: "PROTOBUF", main: schemaText{text: `syntax = "proto3"; import "` + name + `"; message M { string a = 1; }`}}
			if _, err := compileProtobuf(t.Context(), s); err != nil {
				t.Error(err)
			}
		})
	}
}
