package proofs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// load reads a file of vectors; it refuses fields that the test does not know.
func load[T any](t testing.TB, name string) []T {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var rows []T
	if err := d.Decode(&rows); err != nil || len(rows) == 0 {
		t.Fatalf("%s: %d rows, %v", name, len(rows), err)
	}
	return rows
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func hash32(t testing.TB, s string) [32]byte { return [32]byte(unhex(t, s)) }

func number(t testing.TB, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// wantKind compares err with the wantErr of a vector.
func wantKind(t *testing.T, err error, kind string) {
	t.Helper()
	if kind == "" {
		ok(t, err)
		return
	}
	wantError(t, err, proofs.Error(kind))
}

type object struct{ Desc, Network, Layout, Hash, Wire, WantErr string }

// TestObjectVectors decodes each object, compares its hash with the vector's and
// encodes it again. Where the vector has a layout, it is what was hashed: that
// binds the order and the width of every field.
func TestObjectVectors(t *testing.T) {
	for name, check := range map[string]func(t *testing.T, row object) (wire []byte, got proofs.Hash, err error){
		"header.json": func(t *testing.T, row object) ([]byte, proofs.Hash, error) {
			var h proofs.Header
			ok(t, proofs.Decode(&h, unhex(t, row.Wire), 1<<16))
			return h.MarshalCanoto(), h.ID(), nil
		},
		"zero_header.json": func(t *testing.T, row object) ([]byte, proofs.Hash, error) {
			var z proofs.ZeroHeader
			ok(t, proofs.Decode(&z, unhex(t, row.Wire), 1<<16))
			zero, err := z.Check()
			if err != nil {
				return z.MarshalCanoto(), proofs.Hash{}, err
			}
			return z.MarshalCanoto(), proofs.Hash(zero.ID), nil
		},
		"queue_head.json": func(t *testing.T, row object) ([]byte, proofs.Hash, error) {
			var h proofs.QueueHead
			ok(t, proofs.Decode(&h, unhex(t, row.Wire), 1<<16))
			return h.MarshalCanoto(), h.Leaf(hash32(t, row.Network)), h.Validate()
		},
		"message.json": func(t *testing.T, row object) ([]byte, proofs.Hash, error) {
			var m proofs.Message
			ok(t, proofs.Decode(&m, unhex(t, row.Wire), 1<<16))
			return m.MarshalCanoto(), m.ID(), m.Validate()
		},
		"receipt.json": func(t *testing.T, row object) ([]byte, proofs.Hash, error) {
			var r proofs.Receipt
			ok(t, proofs.Decode(&r, unhex(t, row.Wire), 1<<16))
			return r.MarshalCanoto(), r.Leaf(hash32(t, row.Network)), nil
		},
	} {
		for _, row := range load[object](t, name) {
			t.Run(name+"/"+row.Desc, func(t *testing.T) {
				wire, got, err := check(t, row)
				wantKind(t, err, row.WantErr)
				if hex.EncodeToString(wire) != row.Wire {
					t.Errorf("encodes to %x, want %s", wire, row.Wire)
				}
				if row.Hash == "" {
					return
				}
				if got != hash32(t, row.Hash) {
					t.Errorf("got hash %x, want %s", got, row.Hash)
				}
				layout := unhex(t, row.Layout)
				if got != sha256.Sum256(layout) && got != merkle.LeafHash(layout) {
					t.Error("the hash is not of the layout")
				}
			})
		}
	}
}

func TestAccountVectors(t *testing.T) {
	for _, row := range load[struct{ Desc, Key, Layout, Hash string }](t, "account.json") {
		if got := proofs.AccountOf(hash32(t, row.Key)); got.String() != row.Hash {
			t.Errorf("%s: got %s, want %s", row.Desc, got, row.Hash)
		}
	}
}

func TestValidatorSetVectors(t *testing.T) {
	for _, row := range load[struct {
		Desc                         string
		Members                      []string
		Layout, Hash, Total, WantErr string
	}](t, "validator_set.json") {
		t.Run(row.Desc, func(t *testing.T) {
			members := make([]proofs.Validator, len(row.Members))
			for i, m := range row.Members {
				ok(t, proofs.Decode(&members[i], unhex(t, m), 1<<10))
			}
			set, err := proofs.NewValidatorSet(members)
			wantKind(t, err, row.WantErr)
			if err == nil && (set.Hash() != hash32(t, row.Hash) || set.Total() != number(t, row.Total)) {
				t.Errorf("got %x and %d, want %s and %s", set.Hash(), set.Total(), row.Hash, row.Total)
			}
		})
	}
}

func TestVoteVectors(t *testing.T) {
	for _, row := range load[struct {
		Desc, Network                                                     string
		Kind                                                              uint8
		Epoch, SetHash, View, ParentView, Header, Layout, SecretKey, Vote string
	}](t, "vote.json") {
		t.Run(row.Desc, func(t *testing.T) {
			v := proofs.Vote{
				Kind: proofs.ObjectType(row.Kind), Epoch: number(t, row.Epoch), SetHash: hash32(t, row.SetHash), View: number(t, row.View),
				ParentView: number(t, row.ParentView), Header: hash32(t, row.Header),
			}
			got := v.SigningBytes(hash32(t, row.Network))
			if hex.EncodeToString(got) != row.Layout {
				t.Errorf("got %x, want %s", got, row.Layout)
			}
			secret, err := bls.NewSecretKey(unhex(t, row.SecretKey))
			ok(t, err)
			if sig := secret.Sign(got); hex.EncodeToString(sig[:]) != row.Vote {
				t.Errorf("got vote %x, want %s", sig, row.Vote)
			}
		})
	}
}

func TestOutboundRootVectors(t *testing.T) {
	for _, row := range load[struct {
		Desc, Network, Time   string
		Heads                 []string
		Layout, Hash, WantErr string
	}](t, "outbound_root.json") {
		t.Run(row.Desc, func(t *testing.T) {
			heads := make([]proofs.QueueHead, len(row.Heads))
			for i, h := range row.Heads {
				ok(t, proofs.Decode(&heads[i], unhex(t, h), 1<<10))
			}
			root, err := proofs.OutboundRoot(hash32(t, row.Network), number(t, row.Time), heads)
			wantKind(t, err, row.WantErr)
			if err == nil && root != hash32(t, row.Hash) {
				t.Errorf("got %x, want %s", root, row.Hash)
			}
		})
	}
}

// trustOf starts at a zero-header of the vectors.
func trustOf(t testing.TB, wire string) proofs.Trust {
	t.Helper()
	var z proofs.ZeroHeader
	if err := proofs.Decode(&z, unhex(t, wire), 1<<16); err != nil {
		t.Fatal(err)
	}
	zero, err := z.Check()
	if err != nil {
		t.Fatal(err)
	}
	return proofs.NewTrust(zero)
}

type keyBlockRow struct {
	Desc, Zero, Now        string
	Before                 []string
	Wire, NextSet, WantErr string
}

func TestKeyBlockVectors(t *testing.T) {
	for _, row := range load[keyBlockRow](t, "key_block.json") {
		t.Run(row.Desc, func(t *testing.T) {
			trust, clock := trustOf(t, row.Zero), proofs.Clock{Now: number(t, row.Now)}
			follow := func(wire string) error {
				var kb proofs.KeyBlock
				ok(t, proofs.Decode(&kb, unhex(t, wire), 1<<16))
				if hex.EncodeToString(kb.MarshalCanoto()) != wire {
					t.Error("encodes to other bytes")
				}
				next, _, err := trust.Advance(&kb, clock)
				if err == nil {
					trust = next
				}
				return err
			}
			for _, wire := range row.Before {
				ok(t, follow(wire))
			}
			err := follow(row.Wire)
			wantKind(t, err, row.WantErr)
			if err == nil && trust.Set.Hash() != hash32(t, row.NextSet) {
				t.Errorf("got set %x, want %s", trust.Set.Hash(), row.NextSet)
			}
		})
	}
}

type sliceRow struct {
	Desc, Zero, Reader, Now, Consumed string
	Nodes                             []string
	Wire                              string
	Messages                          []string
	After                             string
	Peaks                             []string
	WantErr                           string
}

func (row *sliceRow) consumed(t testing.TB) merkle.Range {
	t.Helper()
	r, err := merkle.ParseRange(0, number(t, row.Consumed), hashes(t, row.Nodes))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func hashes(t testing.TB, list []string) (out []proofs.Hash) {
	t.Helper()
	for _, h := range list {
		out = append(out, hash32(t, h))
	}
	return out
}

func TestSliceVectors(t *testing.T) {
	for _, row := range load[sliceRow](t, "slice.json") {
		t.Run(row.Desc, func(t *testing.T) {
			decoded, err := proofs.DecodeSlice(unhex(t, row.Wire))
			ok(t, err)
			if hex.EncodeToString(decoded.MarshalCanoto()) != row.Wire {
				t.Error("encodes to other bytes")
			}
			s := scene{
				trust: trustOf(t, row.Zero), clock: proofs.Clock{Now: number(t, row.Now)}, reader: hash32(t, row.Reader), consumed: row.consumed(t),
			}
			v, err := s.verifyDecoded(decoded)
			wantKind(t, err, row.WantErr)
			if err != nil {
				return
			}
			after := v.Consumed()
			if after.End() != number(t, row.After) || !equalNodes(after.Nodes(), hashes(t, row.Peaks)) {
				t.Errorf("got [0, %d), want [0, %s)", after.End(), row.After)
			}
			if len(v.Messages()) != len(row.Messages) {
				t.Fatalf("got %d messages, want %d", len(v.Messages()), len(row.Messages))
			}
			for i, id := range hashes(t, row.Messages) {
				if v.Messages()[i].ID() != id {
					t.Errorf("message %d has another id", i)
				}
			}
		})
	}
}
