package state_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// TestLogSummaryEncoding locks the bytes of docs/spec/state.md.
func TestLogSummaryEncoding(t *testing.T) {
	var r merkle.Range
	for _, entry := range []string{"a", "b", "c"} {
		check(t, r.Append(merkle.LeafHash([]byte(entry)), nil))
	}
	left := merkle.NodeHash(merkle.LeafHash([]byte("a")), merkle.LeafHash([]byte("b")))
	last := merkle.LeafHash([]byte("c"))
	want := "00000000000000010000000000000003" + hex.EncodeToString(left[:]) + hex.EncodeToString(last[:])
	got := state.LogInfo{Begin: 1, Peaks: r}.Encode()
	if hex.EncodeToString(got) != want {
		t.Fatalf("got %x, want %s", got, want)
	}
	info, err := state.ParseLogInfo(got)
	check(t, err)
	if info.Begin != 1 || info.End() != 3 || info.Root() != merkle.NodeHash(left, last) {
		t.Fatalf("got %+v", info)
	}
	change := func(edit func(b []byte) []byte) []byte { return edit(bytes.Clone(got)) }
	for name, bad := range map[string][]byte{
		"empty":           nil,
		"truncated":       change(func(b []byte) []byte { return b[:len(b)-1] }),
		"a peak too few":  change(func(b []byte) []byte { return b[:len(b)-32] }),
		"a peak too many": change(func(b []byte) []byte { return append(b, b[:32]...) }),
		"begin past end":  change(func(b []byte) []byte { b[7] = 4; return b }),
		"another end":     change(func(b []byte) []byte { b[15] = 2; return b }),
		"no entries":      make([]byte, 16),
	} {
		if _, err := state.ParseLogInfo(bad); !errors.Is(err, state.ErrCorrupt) {
			t.Fatalf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
}

// TestRootAuthenticatesLogs: the way of a stranger from the state root to an old entry.
func TestRootAuthenticatesLogs(t *testing.T) {
	s := newState(t, state.Options{})
	for version := range uint64(3) {
		tx, err := s.Begin(version)
		check(t, err)
		l, err := tx.Log("receipts")
		check(t, err)
		for i := range byte(200) {
			_, err := l.Append([]byte{byte(version), i})
			check(t, err)
		}
		_, err = tx.Commit(false)
		check(t, err)
	}
	v, err := s.At(1) // certified then, 400 entries
	check(t, err)
	value, ok, proof, err := v.Prove(state.LogKey("receipts"))
	check(t, err)
	if !ok {
		t.Fatal("no summary")
	}
	check(t, merkle.VerifyPresence(v.Root(), state.LogKey("receipts"), value, proof))
	info, err := state.ParseLogInfo(value)
	check(t, err)
	r, err := s.ReadLog("receipts") // read now, 600 entries
	check(t, err)
	path, err := r.Inclusion(257, info.End())
	check(t, err)
	leaf := merkle.LeafHash([]byte{1, 57})
	check(t, merkle.VerifyInclusion(leaf, 257, info.End(), path, info.Root()))
	if err := merkle.VerifyInclusion(leaf, 257, info.End(), path, r.Info().Root()); err == nil {
		t.Fatal("the proof fits another root")
	}
}
