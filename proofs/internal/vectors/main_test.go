package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestCommittedVectorsAreCurrent(t *testing.T) {
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	const committed = "../../testdata"
	names, err := filepath.Glob(filepath.Join(committed, "*.*"))
	if err != nil || len(names) != len(files()) {
		t.Fatalf("committed files: got %v (%v), want %d", names, err, len(files()))
	}
	for _, f := range files() {
		got, err := os.ReadFile(filepath.Join(committed, f.name))
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := os.ReadFile(filepath.Join(dir, f.name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, fresh) {
			t.Errorf("%s differs from what the generator writes: run go generate ./proofs", f.name)
		}
	}
}
