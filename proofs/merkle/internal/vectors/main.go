// Command vectors writes the language-neutral test vectors of proofs/merkle. Run it from the root of the repository:
//
//	go run ./proofs/merkle/internal/vectors
//
// It computes everything with the naive oracle and shares no code with package merkle. The formats are described in
// docs/spec/merkle.md, section "Vectors".
package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := flag.String("dir", "proofs/merkle/testdata", "directory to write to")
	flag.Parse()
	if err := write(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "vectors:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	for _, f := range files() {
		data, err := f.encode()
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// file is one JSON file of vectors.
type file struct {
	name  string
	cases any // a slice of structs
}

func files() []file {
	return []file{
		{"root.json", rootCases()},
		{"range.json", rangeCases()},
		{"inclusion.json", inclusionCases()},
		{"trie.json", trieCases()},
		{"trie_encoding.json", encodingCases()},
		{"trie_range.json", rangeProofCases()},
	}
}

// encode returns the file's bytes: indented JSON, with a line feed at the end.
func (f file) encode() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(f.cases)
	return buf.Bytes(), err
}

func hexes[B ~[]byte | [32]byte](in []B) []string {
	out := make([]string, len(in))
	for i, b := range in {
		out[i] = fmt.Sprintf("%x", b)
	}
	return out
}

func hex32(h [32]byte) string { return hex.EncodeToString(h[:]) }
