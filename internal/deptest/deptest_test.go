package deptest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/isthmus-network/isthmus/"

// rule limits what the non-test code of a package, and of the packages below it,
// may import directly.
type rule struct {
	pkg    string   // below the module; "/..." includes subpackages
	only   []string // allowed packages of this module; nil allows all
	outer  []string // allowed packages of other modules, by prefix; nil allows all
	never  []string // forbidden, by prefix, of this module or outside
	reason string
}

var pureOuter = []string{}

// ioPackages make a package impure: clocks are caught by review and by the
// simulator, these by name.
var ioPackages = []string{"net", "os", "log", "log/slog", "io/fs", "os/exec", "syscall", "math/rand", "math/rand/v2", "sync", "context"}

var rules = []rule{
	{pkg: "proofs/merkle", only: []string{}, outer: pureOuter, never: ioPackages, reason: "hashes only"},
	{pkg: "proofs/bls", only: []string{"proofs/bls/..."}, outer: []string{}, never: ioPackages, reason: "backends are behind it"},
	{pkg: "proofs", only: []string{"proofs/...", "internal/canoto"}, outer: []string{"github.com/oasisprotocol/curve25519-voi"}, never: ioPackages,
		reason: "a light client for strangers is pure and small"},
	{pkg: "chain/types", only: []string{"proofs/...", "internal/canoto"}, outer: []string{"github.com/oasisprotocol/curve25519-voi"}, never: ioPackages, reason: "pure"},
	{pkg: "chain/consensus", only: []string{"proofs/...", "chain/types", "internal/canoto"}, outer: pureOuter, never: ioPackages, reason: "core machines are pure"},
	{pkg: "chain/lanes", only: []string{"proofs/...", "chain/types", "internal/canoto"}, outer: pureOuter, never: ioPackages, reason: "core machines are pure"},
	{pkg: "chain/admission", only: []string{"proofs/...", "chain/types", "internal/canoto"}, outer: pureOuter, never: ioPackages, reason: "core machines are pure"},
	{pkg: "chain/execution", only: []string{"proofs/...", "chain/types", "internal/canoto"}, outer: pureOuter, reason: "knows state only through an interface"},
	{pkg: "mesh", only: []string{"proofs/...", "chain/types", "internal/canoto", "networks"}, outer: pureOuter, reason: "the rules are pure"},
	{pkg: "mesh/client", never: []string{module + "chain/node", module + "cmd", module + "internal/devnet"}, reason: "the mesh never imports the node that runs it"},
	{pkg: "chain/store", only: []string{}, reason: "storage knows nothing of the chain"},
	{pkg: "chain/p2p", only: []string{}, reason: "it moves bytes"},
	{pkg: "chain/node", never: []string{module + "cmd", module + "internal/devnet"}, reason: "only cmd and devnet import drivers"},
	{pkg: "internal/sim", never: []string{module + "chain/node", module + "chain/p2p", module + "chain/store"}, reason: "the simulator has no network, disk or clock"},
}

type pkgInfo struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

func list(t *testing.T) map[string]pkgInfo {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	pkgs := make(map[string]pkgInfo)
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkgInfo
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs[p.ImportPath] = p
	}
}

func matches(path string, patterns []string) bool {
	for _, p := range patterns {
		if base, below := strings.CutSuffix(p, "/..."); path == base || below && strings.HasPrefix(path, base+"/") {
			return true
		}
	}
	return false
}

// check returns what package path must not import under r.
func (r *rule) check(path string, pkgs map[string]pkgInfo) (bad []string) {
	for _, imp := range pkgs[path].Imports {
		inner, ours := strings.CutPrefix(imp, module)
		switch {
		case matches(imp, r.never) || matches(imp, withBelow(r.never)):
			bad = append(bad, imp)
		case ours && r.only != nil && !matches(inner, r.only):
			bad = append(bad, imp)
		case !ours && !pkgs[imp].Standard && r.outer != nil && !matches(imp, withBelow(r.outer)):
			bad = append(bad, imp)
		}
	}
	return bad
}

func withBelow(patterns []string) []string {
	var out []string
	for _, p := range patterns {
		if strings.Contains(p, ".") {
			out = append(out, p+"/...")
		}
	}
	return out
}

func TestImportRules(t *testing.T) {
	pkgs := list(t)
	for i := range rules {
		r := &rules[i]
		if _, ok := pkgs[module+r.pkg]; !ok {
			t.Errorf("rule for %s: no such package", r.pkg)
			continue
		}
		for _, imp := range r.check(module+r.pkg, pkgs) {
			t.Errorf("%s imports %s: %s", r.pkg, imp, r.reason)
		}
	}
}

// TestOnlyDriversUsersImportDrivers: whoever could import the node could be a
// part of it.
func TestOnlyDriversUsersImportDrivers(t *testing.T) {
	for path, p := range list(t) {
		inner, ours := strings.CutPrefix(path, module)
		if !ours || inner == "internal/devnet" || strings.HasPrefix(inner, "cmd/") || strings.HasPrefix(inner, "chain/node") {
			continue
		}
		for _, imp := range p.Imports {
			if imp == module+"chain/node" {
				t.Errorf("%s imports chain/node: only cmd and internal/devnet do", inner)
			}
		}
	}
}

// TestRulesBite shows that a rule refuses what it forbids.
func TestRulesBite(t *testing.T) {
	r := rule{pkg: "x", only: []string{"proofs/..."}, outer: []string{"example.org/ok"}, never: []string{"net"}}
	pkgs := map[string]pkgInfo{
		"fmt": {Standard: true}, "net": {Standard: true},
		"x": {Imports: []string{"fmt", "example.org/ok/sub", module + "proofs/merkle"}},
		"y": {Imports: []string{"net", "example.org/bad", module + "chain/node"}},
	}
	if bad := r.check("x", pkgs); len(bad) != 0 {
		t.Errorf("allowed imports refused: %v", bad)
	}
	if bad := r.check("y", pkgs); len(bad) != 3 {
		t.Errorf("got %v refused, want all three", bad)
	}
}
