package merkle_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/isthmus-network/isthmus/proofs/merkle"
	"github.com/isthmus-network/isthmus/proofs/merkle/internal/naive"
)

func TestInclusionEqualsOracle(t *testing.T) {
	data := numbered(40)
	leaves := hashed(data)
	for n := 1; n <= len(data); n++ {
		root := naive.Root(data[:n])
		for m := range n {
			proof, err := merkle.Inclusion(leaves[:n], uint64(m))
			wantKind(t, err, "")
			if want := naive.Path(m, data[:n]); !slices.Equal(proof, want) {
				t.Fatalf("leaf %d of %d: got %x, want %x", m, n, proof, want)
			}
			wantKind(t, merkle.VerifyInclusion(leaves[m], uint64(m), uint64(n), proof, root), "")
		}
	}
}

// TestInclusionFromPerfectNodes builds proofs from nothing but what Append visited, as the tile store does.
func TestInclusionFromPerfectNodes(t *testing.T) {
	data := numbered(300)
	stored := map[merkle.NodeID]merkle.Hash{}
	r := merkle.NewRange(0)
	for _, leaf := range hashed(data) {
		wantKind(t, r.Append(leaf, func(id merkle.NodeID, h merkle.Hash) { stored[id] = h }), "")
	}
	missing := errors.New("not stored")
	node := func(id merkle.NodeID) (merkle.Hash, error) {
		h, ok := stored[id]
		if !ok {
			return h, missing
		}
		return h, nil
	}
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, len(data)).Draw(rt, "size")
		m := rapid.IntRange(0, n-1).Draw(rt, "index")
		proof, err := merkle.InclusionProof(uint64(m), uint64(n), node)
		if err != nil || !slices.Equal(proof, naive.Path(m, data[:n])) {
			rt.Fatalf("leaf %d of %d: got %x (%v)", m, n, proof, err)
		}
	})
	for _, id := range []merkle.NodeID{{Level: 0, Index: 8}, {Level: 8, Index: 0}} {
		h := stored[id]
		delete(stored, id)
		_, err := merkle.InclusionProof(9+uint64(id.Level)*34, 300, node)
		if !errors.Is(err, missing) {
			t.Fatalf("without %v: got %v, want the source's error", id, err)
		}
		stored[id] = h
	}
}

// TestInclusionAtTheTop: shapes and bounds at the ends of the integers.
func TestInclusionAtTheTop(t *testing.T) {
	const top = math.MaxUint64
	for _, index := range []uint64{0, 1, 1<<63 - 1, 1 << 63, top - 2, top - 1} {
		proof, err := merkle.InclusionProof(index, top, func(id merkle.NodeID) (merkle.Hash, error) {
			if id.Level > 63 || (id.Index<<id.Level)>>id.Level != id.Index || id.Index<<id.Level > top-1<<id.Level {
				t.Fatalf("index %d: node %v passes the size", index, id)
			}
			return merkle.Hash{byte(id.Level), byte(id.Index)}, nil
		})
		wantKind(t, err, "")
		if len(proof) > 64 {
			t.Fatalf("index %d: got %d hashes, want at most 64", index, len(proof))
		}
		root, err := merkle.RootFromInclusion(merkle.Hash{}, index, top, proof)
		wantKind(t, err, "")
		wantKind(t, merkle.VerifyInclusion(merkle.Hash{}, index, top, proof, root), "")
		wantKind(t, merkle.VerifyInclusion(merkle.Hash{}, top, top, proof, root), string(merkle.ErrIndex))
	}
}

// TestIndexNotBelowCount is Hyperbridge 2026: a leaf index at or past the leaf count dropped the leaf from the computation,
// so that any leaf was "included". Also count = 1, an empty log, and what is left over.
func TestIndexNotBelowCount(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 7, 8} {
		data := numbered(int(n))
		root := naive.Root(data)
		leaves := hashed(data)
		last, err := merkle.Inclusion(leaves, n-1)
		wantKind(t, err, "")
		wantKind(t, merkle.VerifyInclusion(leaves[n-1], n-1, n, last, root), "")
		for _, index := range []uint64{n, n + 1, 2 * n, 1 << 32, 1 << 63, math.MaxUint64} {
			wantKind(t, merkle.VerifyInclusion(leaves[n-1], index, n, last, root), string(merkle.ErrIndex))
			wantKind(t, merkle.VerifyInclusion(root, index, n, nil, root), string(merkle.ErrIndex))
			_, err := merkle.Inclusion(leaves, index)
			wantKind(t, err, string(merkle.ErrIndex))
		}
		leftover := append(slices.Clone(last), root)
		wantKind(t, merkle.VerifyInclusion(leaves[n-1], n-1, n, leftover, root), string(merkle.ErrProofLength))
	}
	wantKind(t, merkle.VerifyInclusion(merkle.Hash{}, 0, 0, nil, merkle.EmptyRoot()), string(merkle.ErrIndex))
	wantKind(t, merkle.VerifyInclusion(merkle.EmptyRoot(), 0, 0, nil, merkle.EmptyRoot()), string(merkle.ErrIndex))
	// Two equal leaves are two places: the proof of one is not that of the other.
	twin := []merkle.Hash{merkle.LeafHash([]byte("a")), merkle.LeafHash([]byte("b")), merkle.LeafHash([]byte("a"))}
	first, err := merkle.Inclusion(twin, 0)
	wantKind(t, err, "")
	wantKind(t, merkle.VerifyInclusion(twin[0], 0, 3, first, merkle.Root(twin)), "")
	wantKind(t, merkle.VerifyInclusion(twin[2], 2, 3, first, merkle.Root(twin)), string(merkle.ErrProofLength))
}

// TestProofLengthAndIndex: short, long and wrong-index proofs fail.
func TestProofLengthAndIndex(t *testing.T) {
	data := numbered(33)
	leaves := hashed(data)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, len(data)).Draw(rt, "size")
		m := rapid.IntRange(0, n-1).Draw(rt, "index")
		root := naive.Root(data[:n])
		proof := naive.Path(m, data[:n])
		verify := func(index int, proof []merkle.Hash) error {
			return merkle.VerifyInclusion(leaves[m], uint64(index), uint64(n), proof, root)
		}
		if err := verify(m, proof); err != nil {
			rt.Fatal(err)
		}
		for k := range len(proof) {
			if err := verify(m, proof[:k]); !errors.Is(err, merkle.ErrProofLength) {
				rt.Fatalf("%d hashes of %d: got %v", k, len(proof), err)
			}
		}
		if err := verify(m, append(slices.Clone(proof), proof...)); len(proof) > 0 && !errors.Is(err, merkle.ErrProofLength) {
			rt.Fatalf("proof doubled: got %v", err)
		}
		for other := range n {
			if err := verify(other, proof); other != m && !errors.Is(err, merkle.ErrProofLength) && !errors.Is(err, merkle.ErrRootMismatch) {
				rt.Fatalf("index %d for %d: got %v", other, m, err)
			}
		}
	})
}

// TestAnyMutatedInclusionByteFails is BNB 2022 for logs: every byte of leaf, proof and root counts.
func TestAnyMutatedInclusionByteFails(t *testing.T) {
	data := numbered(11)
	leaves := hashed(data)
	root := naive.Root(data)
	for m := range data {
		proof := naive.Path(m, data)
		wantKind(t, merkle.VerifyInclusion(leaves[m], uint64(m), 11, proof, root), "")
		fields := append([]merkle.Hash{leaves[m], root}, proof...)
		for f := range fields {
			for i := range 32 {
				bad := slices.Clone(fields)
				bad[f][i] ^= 1 << (i % 8)
				err := merkle.VerifyInclusion(bad[0], uint64(m), 11, bad[2:], bad[1])
				wantKind(t, err, string(merkle.ErrRootMismatch))
			}
		}
	}
}

// TestInnerNodeShownAsLeaf is the second preimage between leaves and nodes: the children of an inner node, taken as the
// data of a leaf, hash differently.
func TestInnerNodeShownAsLeaf(t *testing.T) {
	data := numbered(4)
	leaves := hashed(data)
	root := naive.Root(data)
	inner, other := merkle.NodeHash(leaves[0], leaves[1]), merkle.NodeHash(leaves[2], leaves[3])
	// Untouched: the inner node's hash does lead to the root, in a log of two. So a leaf hash is never taken from a prover.
	wantKind(t, merkle.VerifyInclusion(inner, 0, 2, []merkle.Hash{other}, root), "")
	for _, forged := range [][]byte{
		slices.Concat(leaves[0][:], leaves[1][:]),
		slices.Concat([]byte{1}, leaves[0][:], leaves[1][:]),
	} {
		err := merkle.VerifyInclusion(merkle.LeafHash(forged), 0, 2, []merkle.Hash{other}, root)
		wantKind(t, err, string(merkle.ErrRootMismatch))
	}
	if merkle.LeafHash(nil) == merkle.EmptyRoot() {
		t.Fatal("an empty leaf hashes as the empty log")
	}
}

// TestRootDoesNotBindSize records the property of RFC 6962 that the package comment warns of.
func TestRootDoesNotBindSize(t *testing.T) {
	data := numbered(3)
	proof, root := naive.Path(0, data), naive.Root(data)
	wantKind(t, merkle.VerifyInclusion(naive.Leaf(data[0]), 0, 3, proof, root), "")
	wantKind(t, merkle.VerifyInclusion(naive.Leaf(data[0]), 0, 4, proof, root), "")
}

func TestRootMismatchSaysGotAndWant(t *testing.T) {
	err := merkle.VerifyInclusion(merkle.Hash{1}, 0, 1, nil, merkle.Hash{2})
	var mismatch *merkle.RootMismatchError
	if !errors.As(err, &mismatch) || mismatch.Got != (merkle.Hash{1}) || mismatch.Want != (merkle.Hash{2}) {
		t.Fatalf("got %v", err)
	}
}
