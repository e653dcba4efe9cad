// Command vectors writes the language-neutral test vectors of proofs. Run it
// from the root of the repository:
//
//	go run ./proofs/internal/vectors
//
// Layouts are built here by hand, from docs/spec and not by package proofs, so
// that a test which compares the two compares two implementations. docs/spec
// describes the files.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := flag.String("dir", "proofs/testdata", "directory to write to; it must exist")
	flag.Parse()
	if err := write(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "vectors:", err)
		os.Exit(1)
	}
}

// file is one file of vectors.
type file struct {
	name string
	rows any // a slice of structs; or the bytes of the file
}

func files() []file {
	return []file{
		{"account.json", accountRows()},
		{"zero_header.json", zeroRows()},
		{"validator_set.json", setRows()},
		{"header.json", headerRows()},
		{"vote.json", voteRows()},
		{"key_block.json", keyBlockRows()},
		{"queue_head.json", headRows()},
		{"outbound_root.json", outboundRows()},
		{"message.json", messageRows()},
		{"slice.json", sliceRows()},
		{"receipt.json", receiptRows()},
		{"evidence.json", evidenceRows()},
		{"file.json", fileRows()},
		{"file_example.proof", exampleFile()},
	}
}

func write(dir string) error {
	for _, f := range files() {
		if raw, ok := f.rows.([]byte); ok {
			if err := os.WriteFile(filepath.Join(dir, f.name), raw, 0o644); err != nil {
				return err
			}
			continue
		}
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		if err := enc.Encode(f.rows); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.name), buf.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
