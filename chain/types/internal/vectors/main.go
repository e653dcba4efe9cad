// Command vectors writes the language-neutral test vectors of chain/types. Run
// it from the root of the repository:
//
//	go run ./chain/types/internal/vectors
//
// Layouts are built here by hand, from docs/spec and not by package types, so
// that a test which compares the two compares two implementations.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/isthmus-network/isthmus/proofs"
)

func main() {
	dir := flag.String("dir", "chain/types/testdata", "directory to write to; it must exist")
	flag.Parse()
	if err := write(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "vectors:", err)
		os.Exit(1)
	}
}

// file is one file of vectors.
type file struct {
	name string
	rows []row
}

// row is one value: what is signed or hashed, the hash, the wire form. WantErr is
// the text of the error kind that the check of the value gives.
type row struct {
	Desc    string   `json:"desc"`
	Network string   `json:"network"`
	Epoch   string   `json:"epoch,omitempty"`   // of a cut
	Members []string `json:"members,omitempty"` // wire forms of the validator set
	Num     uint32   `json:"num,omitempty"`     // the network's own threshold
	Den     uint32   `json:"den,omitempty"`
	Layout  string   `json:"layout"`
	Hash    string   `json:"hash"`
	ID      string   `json:"id,omitempty"` // of an external message, signature included
	Wire    string   `json:"wire"`
	WantErr string   `json:"wantErr"`
}

func files() []file {
	return []file{
		{"external.json", externalRows()},
		{"batch.json", batchRows()},
		{"car.json", carRows()},
		{"car_vote.json", carVoteRows()},
		{"car_certificate.json", carCertificateRows()},
		{"cut.json", cutRows()},
		{"act.json", actRows()},
		{"ready.json", readyRows()},
	}
}

func write(dir string) error {
	for _, f := range files() {
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

// counted is a byte string that carries its length.
type counted []byte

// layout is "isthmus1" ‖ network ‖ type ‖ parts: integers big-endian, byte slices
// as they are, counted ones with a 32-bit length before them.
func layout(network proofs.NetworkID, kind byte, parts ...any) []byte {
	b := append([]byte("isthmus1"), network[:]...)
	b = append(b, kind)
	for _, p := range parts {
		switch v := p.(type) {
		case uint8:
			b = append(b, v)
		case uint32:
			b = integer(b, uint64(v), 4)
		case uint64:
			b = integer(b, v, 8)
		case []byte:
			b = append(b, v...)
		case counted:
			b = append(integer(b, uint64(len(v)), 4), v...)
		default:
			panic(fmt.Sprintf("layout: %T", p))
		}
	}
	return b
}

func integer(b []byte, v uint64, size int) []byte {
	for i := size - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i)))
	}
	return b
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
