package bls_test

import (
	"bytes"
	"testing"

	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/vectors"
)

// What a parser accepts encodes to the same bytes, and no input panics.

func seedCorpus(f *testing.F) {
	for _, file := range []string{"parse_vote.json", "parse_signature.json", "parse_public_key.json"} {
		for _, row := range load[vectors.Parse](f, file) {
			f.Add(unhex(f, row.Hex))
		}
	}
}

func FuzzParsePublicKey(f *testing.F) {
	seedCorpus(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		pk, err := bls.ParsePublicKey(in)
		if err != nil {
			return
		}
		if out := pk.Bytes(); !bytes.Equal(in, out[:]) {
			t.Fatalf("%x encodes to %x", in, out)
		}
	})
}

func FuzzParseSignature(f *testing.F) {
	seedCorpus(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		sig, err := bls.ParseSignature(in)
		if err != nil {
			return
		}
		if out := sig.Bytes(); !bytes.Equal(in, out[:]) {
			t.Fatalf("%x encodes to %x", in, out)
		}
	})
}

func FuzzParseVote(f *testing.F) {
	seedCorpus(f)
	pk, msg := vectors.Key(1).PublicKey(), []byte("vector")
	f.Fuzz(func(t *testing.T, in []byte) {
		vote, err := bls.ParseVote(in)
		if err != nil {
			return
		}
		if out := vote.Bytes(); !bytes.Equal(in, out[:]) {
			t.Fatalf("%x encodes to %x", in, out)
		}
		sig, err := bls.Aggregate([]bls.Point{vote})
		if err != nil {
			return
		}
		b := sig.Bytes()
		if _, err := bls.ParseSignature(b[:]); err != nil {
			t.Fatalf("aggregate %x does not parse: %v", b, err)
		}
		single := bls.Verify(pk, msg, vote)
		if whole := bls.VerifyAggregate([]*bls.PublicKey{pk}, msg, sig); (single == nil) != (whole == nil) {
			t.Fatalf("single verdict %v, aggregate verdict %v", single, whole)
		}
	})
}
