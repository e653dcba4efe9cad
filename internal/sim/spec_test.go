package sim

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var functionNamed = regexp.MustCompile("`([a-z/_]+\\.go):([A-Za-z0-9]+)`")

// functions lists what a file declares.
func functions(t *testing.T, file string) map[string]bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			names[fn.Name.Name] = true
		}
	}
	return names
}

// TestSpecificationNamesItsCode: every function that docs/spec/ordering.md names
// exists where it says, and every numbered or listed rule names one.
func TestSpecificationNamesItsCode(t *testing.T) {
	b, err := os.ReadFile("../../docs/spec/ordering.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	known := make(map[string]map[string]bool)
	named := functionNamed.FindAllStringSubmatch(text, -1)
	for _, m := range named {
		file := m[1]
		if !strings.Contains(file, "/") {
			if file == "file.go" { // the example
				continue
			}
			file = "chain/consensus/" + file
		}
		if known[file] == nil {
			known[file] = functions(t, filepath.Join("../..", file))
		}
		if !known[file][m[2]] {
			t.Errorf("docs/spec/ordering.md names %s of %s, which does not exist", m[2], file)
		}
	}
	if len(named) < 50 {
		t.Errorf("docs/spec/ordering.md names %d functions, want one at least for each rule", len(named))
	}
	rule := regexp.MustCompile(`(?m)^(- |[0-9]\. )`)
	starts := rule.FindAllStringIndex(text, -1)
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		item, _, _ := strings.Cut(text[at[0]:end], "\n\n")
		if !functionNamed.MatchString(item) {
			t.Errorf("docs/spec/ordering.md: no function named in: %.80s", item)
		}
	}
}
