package merkle_test

import (
	"bytes"
	"encoding"
	"math"
	"testing"

	"github.com/isthmus-network/isthmus/proofs/merkle"
)

var _ encoding.BinaryAppender = merkle.TrieProof{}

func TestAppendBinaryRefusesBadShape(t *testing.T) {
	good := merkle.TrieProof{Steps: []merkle.TrieStep{{Bit: 3}, {Bit: 4}}}
	prefix := []byte("prefix")
	b, err := good.AppendBinary(prefix)
	wantKind(t, err, "")
	if !bytes.HasPrefix(b, prefix) || len(b) != len(prefix)+2+2*33+1 {
		t.Fatalf("got %x", b)
	}
	good.Steps[1].Bit = 3
	b, err = good.AppendBinary(prefix)
	wantKind(t, err, string(merkle.ErrTrieShape))
	if !bytes.Equal(b, prefix) {
		t.Fatalf("after a refusal: got %x, want the prefix", b)
	}
}

func TestParseTrieProofCuts(t *testing.T) {
	enc, err := newWorld(30).prove([]byte("absent")).AppendBinary(nil)
	wantKind(t, err, "")
	_, err = merkle.ParseTrieProof(enc)
	wantKind(t, err, "")
	for n := range enc {
		_, err := merkle.ParseTrieProof(enc[:n])
		wantKind(t, err, string(merkle.ErrEncoding))
	}
	_, err = merkle.ParseTrieProof(append(enc, 0))
	wantKind(t, err, string(merkle.ErrEncoding))
}

// TestAllocations: verifying allocates nothing; a parser that refuses allocates no more than its error.
func TestAllocations(t *testing.T) {
	data := numbered(1000)
	leaves := hashed(data)
	root := merkle.Root(leaves)
	proof, err := merkle.Inclusion(leaves, 500)
	wantKind(t, err, "")
	w := newWorld(100)
	kv := w.kvs[3]
	tp := w.presence(kv.Key)
	enc, err := tp.AppendBinary(nil)
	wantKind(t, err, "")
	lie := append([]byte{1, 0}, make([]byte, 1000)...)
	for _, c := range []struct {
		name string
		max  float64
		run  func()
	}{
		{"LeafHash", 0, func() { merkle.LeafHash(data[0]) }},
		{"VerifyInclusion", 0, func() { _ = merkle.VerifyInclusion(leaves[500], 500, 1000, proof, root) }},
		{"VerifyPresence", 0, func() { _ = merkle.VerifyPresence(w.root, kv.Key, kv.Value, tp) }},
		{"ParseTrieProof", 1, func() { _, _ = merkle.ParseTrieProof(enc) }},
		{"ParseTrieProof of a lie", 8, func() { _, _ = merkle.ParseTrieProof(lie) }},
	} {
		if got := testing.AllocsPerRun(100, c.run); got > c.max {
			t.Errorf("%s: got %v allocations, want at most %v", c.name, got, c.max)
		}
	}
}

func FuzzParseTrieProof(f *testing.F) {
	for _, v := range readVectors[encodingVector](f, "trie_encoding.json") {
		f.Add([]byte(v.Hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := merkle.ParseTrieProof(b)
		if err != nil {
			return
		}
		if len(b) > merkle.MaxTrieProofSize {
			t.Fatalf("accepted %d bytes, the largest proof has %d", len(b), merkle.MaxTrieProofSize)
		}
		again, err := p.AppendBinary(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("encoded again: got %x (%v), want %x", again, err, b)
		}
		// No input is a proof for a root that it was not made for.
		if merkle.VerifyPresence(merkle.Hash{1}, []byte("k"), []byte("v"), p) == nil || merkle.VerifyAbsence(merkle.Hash{1}, []byte("k"), p) == nil {
			t.Fatal("proved under an arbitrary root")
		}
	})
}

// FuzzVerifyInclusion: no index, size or proof shape panics; only the honest proof verifies.
func FuzzVerifyInclusion(f *testing.F) {
	data := numbered(7)
	leaves := hashed(data)
	root := merkle.Root(leaves)
	for i := range leaves {
		proof, err := merkle.Inclusion(leaves, uint64(i))
		wantKind(f, err, "")
		f.Add(uint64(i), uint64(7), joinHashes(proof))
	}
	f.Add(uint64(math.MaxUint64), uint64(math.MaxUint64), []byte{})
	f.Add(uint64(math.MaxUint64-1), uint64(math.MaxUint64), make([]byte, 63*32))
	f.Fuzz(func(t *testing.T, index, size uint64, raw []byte) {
		var proof []merkle.Hash
		for ; len(raw) >= 32; raw = raw[32:] {
			proof = append(proof, merkle.Hash(raw[:32]))
		}
		if err := merkle.VerifyInclusion(leaves[2], index, size, proof, root); err != nil || size != 7 {
			return
		}
		want, err := merkle.Inclusion(leaves, 2)
		if index != 2 || err != nil || !bytes.Equal(joinHashes(proof), joinHashes(want)) {
			t.Fatalf("accepted index %d, proof %x", index, proof)
		}
	})
}

func joinHashes(hs []merkle.Hash) (out []byte) {
	for i := range hs {
		out = append(out, hs[i][:]...)
	}
	return out
}
