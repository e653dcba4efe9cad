package proofs_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
)

type fileRow struct {
	Desc, Kind, Network, Now, MaxAge, Hex, WantErr string
}

func (r fileRow) verify(t testing.TB) (*proofs.File, *proofs.Statement, error) {
	f, err := proofs.ParseFile(unhex(t, r.Hex))
	if err != nil {
		return nil, nil, err
	}
	s, err := f.Verify(hash32(t, r.Network), proofs.Reading{Now: number(t, r.Now), MaxAge: number(t, r.MaxAge)})
	return f, s, err
}

func TestVectorsFile(t *testing.T) {
	for _, row := range load[fileRow](t, "file.json") {
		t.Run(row.Desc, func(t *testing.T) {
			f, s, err := row.verify(t)
			if row.WantErr != "" {
				wantError(t, err, proofs.Error(row.WantErr))
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if f.Kind().String() != row.Kind || s.Kind.String() != row.Kind {
				t.Errorf("got kind %s, want %s", f.Kind(), row.Kind)
			}
			again, err := f.Marshal()
			if err != nil || !bytes.Equal(again, unhex(t, row.Hex)) {
				t.Error("encodes to other bytes")
			}
		})
	}
}

// FuzzParseFile: what parses is written to the same bytes.
func FuzzParseFile(f *testing.F) {
	for _, row := range load[fileRow](f, "file.json") {
		if b := unhex(f, row.Hex); len(b) > 40 {
			f.Add(b[40:]) // the digest would stop the fuzzer
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in := resealed(append(make([]byte, 40), body...))
		file, err := proofs.ParseFile(in)
		if err != nil {
			return
		}
		if out, err := file.Marshal(); err != nil || !bytes.Equal(in, out) {
			t.Fatalf("%x is written as %x, %v", in, out, err)
		}
	})
}

// FuzzVerifyFile: nobody makes a network say what it did not certify: whatever
// verifies rests on a header that is known.
func FuzzVerifyFile(f *testing.F) {
	rows := load[fileRow](f, "file.json")
	known := map[proofs.HexHash]bool{}
	for _, row := range rows {
		if b := unhex(f, row.Hex); len(b) > 40 {
			f.Add(b[40:])
		}
		if row.WantErr == "" {
			_, s, err := row.verify(f)
			if err != nil {
				f.Fatal(err)
			}
			for _, n := range s.Networks {
				known[n.Header] = true
			}
		}
	}
	network, now := proofs.NetworkID(hash32(f, rows[0].Network)), number(f, rows[0].Now)
	f.Fuzz(func(t *testing.T, body []byte) {
		file, err := proofs.ParseFile(resealed(append(make([]byte, 40), body...)))
		if err != nil {
			return
		}
		s, err := file.Verify(network, proofs.Reading{Now: now})
		if err != nil {
			var kind proofs.Error
			if !errors.As(err, &kind) {
				t.Fatalf("got %v, want an error of a kind", err)
			}
			return
		}
		if s.Networks[0].Network != network || !known[s.Networks[0].Header] || len(s.Lines()) == 0 {
			t.Fatalf("got %+v", s.Networks)
		}
	})
}

func TestExampleFileIsCommitted(t *testing.T) {
	b, err := os.ReadFile("testdata/file_example.proof")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proofs.ParseFile(b); err != nil {
		t.Fatal(err)
	}
}
