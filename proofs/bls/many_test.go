package bls_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/vectors"
)

// seeded is randomness that a run repeats.
func seeded(n uint64) *mrand.ChaCha8 { return mrand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}) }

// certificates is n certificates of different messages by some of size keys, every
// seventh a proof of possession.
func certificates(t testing.TB, n, size int) []bls.Certificate {
	t.Helper()
	sks, pks, _ := committee(t, size, nil)
	rng := mrand.New(seeded(uint64(n)))
	batch := make([]bls.Certificate, n)
	for i := range batch {
		if i%7 == 6 {
			owner := [bls.OwnerSize]byte{byte(i)}
			batch[i] = bls.PossessionCertificate(pks[i%size], owner, sks[i%size].ProvePossession(owner))
			continue
		}
		batch[i] = certificate(t, sks, pks, rng.IntN(1<<size-1)+1, fmt.Appendf(nil, "header %d", i))
	}
	return batch
}

// certificate is one by the keys whose bits are in who.
func certificate(t testing.TB, sks []*bls.SecretKey, pks []*bls.PublicKey, who int, msg []byte) bls.Certificate {
	t.Helper()
	c := bls.Certificate{Msg: msg}
	var votes []bls.Point
	for k, sk := range sks {
		if who>>k&1 == 1 {
			c.Keys = append(c.Keys, pks[k])
			votes = append(votes, mustVote(t, sk.Sign(msg)))
		}
	}
	c.Sig = mustAggregate(t, votes).Bytes()
	return c
}

// oneByOne is the oracle of VerifyMany.
func oneByOne(batch []bls.Certificate) error {
	for i := range batch {
		if err := batch[i].Verify(); err != nil {
			return &bls.BadCertificateError{Index: i, Err: err}
		}
	}
	return nil
}

func wantBad(t *testing.T, err error, index int, kind error) {
	t.Helper()
	var bad *bls.BadCertificateError
	if !errors.As(err, &bad) || bad.Index != index || !errors.Is(err, kind) {
		t.Fatalf("got error %v, want certificate %d: %v", err, index, kind)
	}
}

// spoilers are ways to make a certificate wrong.
var spoilers = []struct {
	name  string
	want  error
	spoil func(c *bls.Certificate)
}{
	{"message", bls.ErrSignature, func(c *bls.Certificate) { c.Msg = append([]byte("x"), c.Msg...) }},
	{"a key more", bls.ErrSignature, func(c *bls.Certificate) {
		c.Keys = append(slices.Clone(c.Keys), vectors.Key(99).PublicKey())
	}},
	{"a key twice", bls.ErrSignature, func(c *bls.Certificate) { c.Keys = append(slices.Clone(c.Keys), c.Keys[0]) }},
	{"inverse signature", bls.ErrSignature, func(c *bls.Certificate) { c.Sig[0] ^= 0x20 }},
	{"no keys", bls.ErrEmpty, func(c *bls.Certificate) { c.Keys = nil }},
	{"nil key", bls.ErrInfinity, func(c *bls.Certificate) { c.Keys = []*bls.PublicKey{nil} }},
	{"key at infinity", bls.ErrInfinity, func(c *bls.Certificate) { c.Keys = append(slices.Clone(c.Keys), &bls.PublicKey{}) }},
	{"keys that cancel", bls.ErrInfinity, func(c *bls.Certificate) {
		b := vectors.Key(1).PublicKey().Bytes()
		b[0] ^= 0x20
		inverse, err := bls.ParsePublicKey(b[:])
		if err != nil {
			panic(err)
		}
		c.Keys = []*bls.PublicKey{vectors.Key(1).PublicKey(), inverse}
	}},
	{"signature at infinity", bls.ErrInfinity, func(c *bls.Certificate) { c.Sig = [bls.SignatureSize]byte{0: 0xc0} }},
	{"not canonical", bls.ErrNonCanonical, func(c *bls.Certificate) { c.Sig[0] &^= 0x80 }},
	{"outside the subgroup", bls.ErrSubgroup, func(c *bls.Certificate) { p := vectors.OutsideG1(); c.Sig = p.Bytes() }},
	{"of order three", bls.ErrSubgroup, func(c *bls.Certificate) { p := vectors.Torsion(); c.Sig = p.Bytes() }},
}

func TestVerifyMany(t *testing.T) {
	for _, n := range []int{1, 2, 3, 15, 16, 17, 40} {
		if err := bls.VerifyMany(certificates(t, n, 5), rand.Reader); err != nil {
			t.Fatalf("%d certificates: %v", n, err)
		}
	}
	want(t, bls.VerifyMany(nil, rand.Reader), bls.ErrEmpty)
}

// TestVerifyManyNamesTheFirst spoils each place in turn, and another after it.
func TestVerifyManyNamesTheFirst(t *testing.T) {
	good := certificates(t, 6, 4)
	for _, s := range spoilers {
		t.Run(s.name, func(t *testing.T) {
			for i := range good {
				batch := slices.Clone(good)
				s.spoil(&batch[i])
				if i < 5 {
					s.spoil(&batch[5])
				}
				wantBad(t, bls.VerifyMany(batch, seeded(uint64(i))), i, s.want)
			}
		})
	}
	t.Run("possession of another owner", func(t *testing.T) {
		sk := vectors.Key(3)
		owner := [bls.OwnerSize]byte{1}
		batch := append(slices.Clone(good), bls.PossessionCertificate(sk.PublicKey(), owner, sk.ProvePossession(owner)))
		if err := bls.VerifyMany(batch, rand.Reader); err != nil {
			t.Fatal(err)
		}
		batch[6] = bls.PossessionCertificate(sk.PublicKey(), [bls.OwnerSize]byte{2}, sk.ProvePossession(owner))
		err := bls.VerifyMany(batch, rand.Reader)
		wantBad(t, err, 6, bls.ErrPossession)
		wantBad(t, err, 6, bls.ErrSignature)
		batch[6] = bls.PossessionCertificate(nil, owner, sk.ProvePossession(owner))
		wantBad(t, bls.VerifyMany(batch, rand.Reader), 6, bls.ErrPossession)
	})
}

// TestErrorsThatCancel: two signatures that are wrong by +P and −P pass as an
// unweighted sum; so do two that are exchanged.
func TestErrorsThatCancel(t *testing.T) {
	sks, pks, _ := committee(t, 3, nil)
	batch := []bls.Certificate{
		certificate(t, sks, pks, 7, []byte("a")), certificate(t, sks, pks, 7, []byte("b")), certificate(t, sks, pks, 3, []byte("c")),
	}
	if err := bls.VerifyMany(batch, rand.Reader); err != nil {
		t.Fatal(err)
	}
	exchanged := slices.Clone(batch)
	exchanged[0].Sig, exchanged[1].Sig = batch[1].Sig, batch[0].Sig
	wantBad(t, bls.VerifyMany(exchanged, rand.Reader), 0, bls.ErrSignature)

	p := vectors.Vote(sks[0].Sign([]byte("p")))
	shifted := slices.Clone(batch)
	for i, sign := range []bool{false, true} {
		vote := mustDecompress(t, batch[i].Sig)
		q := p
		if sign {
			q.Neg(&q)
		}
		shifted[i].Sig = mustAggregate(t, []bls.Point{mustVote(t, vectors.Plus(vote, q))}).Bytes()
	}
	wantBad(t, bls.VerifyMany(shifted, rand.Reader), 0, bls.ErrSignature)
}

// mustDecompress is a signature in vote form.
func mustDecompress(t *testing.T, sig [bls.SignatureSize]byte) [bls.VoteSize]byte {
	t.Helper()
	p := vectors.Torsion()
	if _, err := p.SetBytes(sig[:]); err != nil {
		t.Fatal(err)
	}
	return p.RawBytes()
}

// TestVerifyManyEqualsOneByOne spoils certificates at random.
func TestVerifyManyEqualsOneByOne(t *testing.T) {
	good := certificates(t, 20, 4)
	rapid.Check(t, func(rt *rapid.T) {
		batch := slices.Clone(good[:rapid.IntRange(1, len(good)).Draw(rt, "n")])
		for range rapid.IntRange(0, 2).Draw(rt, "bad") {
			i := rapid.IntRange(0, len(batch)-1).Draw(rt, "place")
			rapid.SampledFrom(spoilers).Draw(rt, "spoiler").spoil(&batch[i])
		}
		got := bls.VerifyMany(batch, seeded(rapid.Uint64().Draw(rt, "seed")))
		if wanted := oneByOne(batch); fmt.Sprint(got) != fmt.Sprint(wanted) {
			rt.Fatalf("got %v, want %v", got, wanted)
		}
	})
}

func TestRandomnessThatFails(t *testing.T) {
	batch := certificates(t, 4, 3)
	want(t, bls.VerifyMany(batch, nil), bls.ErrRandomness)
	want(t, bls.VerifyMany(batch, bytes.NewReader(make([]byte, 63))), bls.ErrRandomness)
	want(t, bls.VerifyMany(batch, bytes.NewReader(make([]byte, 64))), bls.ErrRandomness)
	if err := bls.VerifyMany(batch, bytes.NewReader(bytes.Repeat([]byte{1}, 64))); err != nil {
		t.Fatal(err)
	}
}

// TestSumsMerge: parts of a batch, in any number and order, verify as the whole.
func TestSumsMerge(t *testing.T) {
	good := certificates(t, 24, 4)
	bad := slices.Clone(good)
	bad[17].Msg = []byte("other")
	parts := func(batch []bls.Certificate, n int) *bls.Sum {
		var whole *bls.Sum
		for part := range slices.Chunk(batch, (len(batch)+n-1)/n) {
			s, err := bls.SumCertificates(part, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if whole != nil {
				s.Merge(whole)
			}
			whole = s
		}
		return whole
	}
	for n := 1; n <= 5; n++ {
		if err := parts(good, n).Verify(); err != nil {
			t.Fatalf("%d parts: %v", n, err)
		}
		want(t, parts(bad, n).Verify(), bls.ErrSignature)
	}
	_, err := bls.SumCertificates(nil, rand.Reader)
	want(t, err, bls.ErrEmpty)
	want(t, new(bls.Sum).Verify(), bls.ErrSignature)
	bad[3].Keys = nil
	_, err = bls.SumCertificates(bad, rand.Reader)
	wantBad(t, err, 3, bls.ErrEmpty)
}
