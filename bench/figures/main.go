// Command figures measures the code by room: lines, the lengths of files and functions, methods of
// a type, fields of a struct, documented names, and comments that ask for a held lock. It reads
// the Go files below the folder that it is given, or the present one.
package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	rooms, err := measure(root)
	if err == nil {
		err = show(os.Stdout, rooms)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// room is what is measured of one package's folder.
type room struct {
	code, tests        int // lines, blanks and comments included
	files, functions   []int
	methods, fields    map[string]int // by type
	exported, explains int            // exported names, and those of them with a doc comment
	locks              int            // comments that ask for a held lock
}

// measure reads all Go files below a folder, by the folder they are in.
func measure(root string) (map[string]*room, error) {
	rooms := map[string]*room{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error { //nolint:gosec // the user's own folder
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && path != root):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		name, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		if rooms[name] == nil {
			rooms[name] = &room{methods: map[string]int{}, fields: map[string]int{}}
		}
		return rooms[name].read(path)
	})
	return rooms, err
}

// read adds a file.
func (r *room) read(path string) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	lines := set.File(file.Pos()).LineCount()
	if strings.HasSuffix(path, "_test.go") {
		r.tests += lines
		return nil
	}
	r.code += lines
	r.files = append(r.files, lines)
	for _, group := range file.Comments {
		if text := group.Text(); strings.Contains(text, "mu held") || strings.Contains(text, "holds mu") {
			r.locks++
		}
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			r.function(set, decl)
		case *ast.GenDecl:
			r.types(decl)
		}
	}
	return nil
}

func (r *room) function(set *token.FileSet, f *ast.FuncDecl) {
	r.functions = append(r.functions, set.Position(f.End()).Line-set.Position(f.Pos()).Line+1)
	owner := ""
	if f.Recv != nil {
		owner = typeName(f.Recv.List[0].Type)
		r.methods[owner]++
	}
	if f.Name.IsExported() && (owner == "" || ast.IsExported(owner)) {
		r.export(f.Doc)
	}
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

func (r *room) export(doc *ast.CommentGroup) {
	r.exported++
	if doc != nil {
		r.explains++
	}
}

func (r *room) types(decl *ast.GenDecl) {
	for _, spec := range decl.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		if t.Name.IsExported() {
			doc := t.Doc
			if doc == nil {
				doc = decl.Doc
			}
			r.export(doc)
		}
		if s, ok := t.Type.(*ast.StructType); ok {
			r.fields[t.Name.Name] = s.Fields.NumFields()
		}
	}
}

// show writes a table, a row for each room.
func show(out io.Writer, rooms map[string]*room) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "room\tcode\ttests\tfiles\tfile p50/p90/max\tfunction p50/p90/max\tmost methods\tmost fields\texported/documented\tlock comments")
	names := make([]string, 0, len(rooms))
	for name := range rooms {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		r := rooms[name]
		if r.code == 0 {
			continue
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%d/%d\t%d\n", name, r.code, r.tests, len(r.files),
			spread(r.files), spread(r.functions), most(r.methods), most(r.fields), r.exported, r.explains, r.locks)
	}
	return w.Flush()
}

// spread returns the median, the 90th percentile and the maximum.
func spread(values []int) string {
	if len(values) == 0 {
		return "-"
	}
	slices.Sort(values)
	at := func(part float64) int { return values[int(part*float64(len(values)-1))] }
	return fmt.Sprintf("%d/%d/%d", at(.5), at(.9), values[len(values)-1])
}

// most returns the largest count and whose it is.
func most(counts map[string]int) string {
	best := ""
	for name, n := range counts {
		if best == "" || n > counts[best] || n == counts[best] && cmp.Compare(name, best) < 0 {
			best = name
		}
	}
	if best == "" {
		return "-"
	}
	return fmt.Sprintf("%d %s", counts[best], best)
}
