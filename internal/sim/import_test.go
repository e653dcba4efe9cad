package sim

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/isthmus-network/isthmus/"

// cores are the packages that decide.
var cores = []string{"chain/consensus", "chain/execution", "chain/lanes", "chain/types", "mesh", "proofs", "proofs/bls", "proofs/merkle"}

// deps lists the packages of this module that a package is built of.
func deps(t *testing.T, pkg string) (out []string) {
	t.Helper()
	b, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{.GoFiles}}", module+pkg).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, line := range strings.Split(string(b), "\n") {
		if inner, ours := strings.CutPrefix(line, module); ours {
			out = append(out, inner)
		}
	}
	return out
}

// TestSameCores: the simulator and the node are built of the very same core
// packages, file for file.
func TestSameCores(t *testing.T) {
	simulator, node := deps(t, "internal/sim"), deps(t, "chain/node")
	for _, core := range cores {
		has := func(list []string) string {
			i := slices.IndexFunc(list, func(p string) bool { return strings.HasPrefix(p, core+" [") })
			if i < 0 {
				return ""
			}
			return list[i]
		}
		got, want := has(simulator), has(node)
		if want == "" || got != want {
			t.Errorf("%s: the simulator is built of %q, the node of %q", core, got, want)
		}
	}
	for _, p := range simulator {
		for _, never := range []string{"chain/node ", "chain/p2p ", "chain/store "} {
			if strings.HasPrefix(p, never) {
				t.Errorf("the simulator is built of %s", p)
			}
		}
	}
}
