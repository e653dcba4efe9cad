package merkle_test

import (
	"testing"

	"github.com/isthmus-network/isthmus/proofs/merkle"
)

func BenchmarkLeafHash256(b *testing.B) {
	data := make([]byte, 256)
	b.SetBytes(256)
	for b.Loop() {
		merkle.LeafHash(data)
	}
}

func BenchmarkAppend(b *testing.B) {
	r := merkle.NewRange(0)
	leaf := merkle.LeafHash([]byte("leaf"))
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Append(leaf, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyInclusion(b *testing.B) {
	leaves := hashed(numbered(1 << 16))
	root := merkle.Root(leaves)
	proof, err := merkle.Inclusion(leaves, 12345)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := merkle.VerifyInclusion(leaves[12345], 12345, 1<<16, proof, root); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyPresence(b *testing.B) {
	w := newWorld(1 << 12)
	kv := w.kvs[99]
	p := w.presence(kv.Key)
	b.ReportAllocs()
	for b.Loop() {
		if err := merkle.VerifyPresence(w.root, kv.Key, kv.Value, p); err != nil {
			b.Fatal(err)
		}
	}
}
