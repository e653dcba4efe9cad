//go:build cgo

package bls_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"

	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/backend"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/blstbackend"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/gnarkbackend"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/vectors"
)

// Both backends in one process: equal bytes and equal verdicts on every input.

// verdict is what a backend says of one encoded point.
type verdict struct {
	onCurve, inSubgroup bool
	short, long         string // encodings again
}

func ofVote[G1, G2 any](b backend.Backend[G1, G2], in [96]byte) (v verdict) {
	p, ok := b.DecodeG1(&in)
	return ofG1(b, p, ok)
}

func ofSignature[G1, G2 any](b backend.Backend[G1, G2], in [48]byte) (v verdict) {
	p, ok := b.DecompressG1(&in)
	return ofG1(b, p, ok)
}

func ofG1[G1, G2 any](b backend.Backend[G1, G2], p G1, ok bool) (v verdict) {
	short, long := b.CompressG1(&p), b.EncodeG1(&p)
	if ok == b.IsInfinityG1(&p) {
		panic("ok and infinity disagree")
	}
	return verdict{ok, ok && b.InSubgroupG1(&p), string(short[:]), string(long[:])}
}

func ofKey[G1, G2 any](b backend.Backend[G1, G2], in [96]byte) (v verdict) {
	p, ok := b.DecompressG2(&in)
	short := b.CompressG2(&p)
	if ok == b.IsInfinityG2(&p) {
		panic("ok and infinity disagree")
	}
	return verdict{ok, ok && b.InSubgroupG2(&p), string(short[:]), ""}
}

// compare runs both backends on in, and the parser of this build. Bytes that
// the parser refuses by form reach no backend; these must survive them, and
// are not asked to agree.
func compare(t *testing.T, what string, in []byte) {
	t.Helper()
	var fast, pure verdict
	var err error
	switch {
	case what == "vote" && len(in) == 96:
		fast, pure = ofVote(blstbackend.Backend{}, [96]byte(in)), ofVote(gnarkbackend.Backend{}, [96]byte(in))
		_, err = bls.ParseVote(in)
	case what == "signature" && len(in) == 48:
		fast, pure = ofSignature(blstbackend.Backend{}, [48]byte(in)), ofSignature(gnarkbackend.Backend{}, [48]byte(in))
		_, err = bls.ParseSignature(in)
	case what == "public key" && len(in) == 96:
		fast, pure = ofKey(blstbackend.Backend{}, [96]byte(in)), ofKey(gnarkbackend.Backend{}, [96]byte(in))
		_, err = bls.ParsePublicKey(in)
	default:
		return
	}
	if errors.Is(err, bls.ErrNonCanonical) || errors.Is(err, bls.ErrInfinity) {
		return
	}
	if fast != pure {
		t.Fatalf("%s %x:\nblst  %+v\ngnark %+v", what, in, fast, pure)
	}
	accepted := fast.onCurve && (fast.inSubgroup || what == "vote")
	if accepted != (err == nil) {
		t.Fatalf("%s %x: backends say %+v, parser says %v", what, in, fast, err)
	}
}

func TestBackendsAgreeOnEncodings(t *testing.T) {
	for what, file := range map[string]string{
		"vote": "parse_vote.json", "signature": "parse_signature.json", "public key": "parse_public_key.json",
	} {
		t.Run(what, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			for _, row := range load[vectors.Parse](t, file) {
				in := unhex(t, row.Hex)
				compare(t, what, in)
				for range 60 {
					compare(t, what, mutated(rng, in))
				}
			}
			size := map[string]int{"vote": 96, "signature": 48, "public key": 96}[what]
			for range 200 {
				in := make([]byte, size)
				for i := range in {
					in[i] = byte(rng.Uint32())
				}
				compare(t, what, in)
				in[0] = in[0]&0x0f | 0x80 // mostly canonical, half of them on the curve
				compare(t, what, in)
			}
			for x := range 64 { // points of the curve outside the subgroup
				in := make([]byte, size)
				in[0], in[size-1] = 0x80, byte(x)
				compare(t, what, in)
			}
		})
	}
}

// mutated returns a copy of in with a few bits, bytes or halves changed.
func mutated(rng *rand.Rand, in []byte) []byte {
	out := bytes.Clone(in)
	if len(out) == 0 {
		return out
	}
	for range 1 + rng.IntN(3) {
		i := rng.IntN(len(out))
		switch rng.IntN(4) {
		case 0:
			out[i] ^= 1 << rng.IntN(8)
		case 1:
			out[i] = byte(rng.Uint32())
		case 2:
			clear(out[i:])
		default:
			out[0] ^= byte(rng.IntN(8)) << 5
		}
	}
	return out
}

func TestBackendsAgreeOnSigning(t *testing.T) {
	fast, pure := blstbackend.Backend{}, gnarkbackend.Backend{}
	rng := rand.New(rand.NewPCG(3, 4))
	dst := []byte(bls.DST)
	for range 12 {
		ikm := make([]byte, 32+rng.IntN(32))
		msg := make([]byte, rng.IntN(200))
		for _, b := range [][]byte{ikm, msg} {
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
		}
		sk := fast.KeyGen(ikm)
		if other := pure.KeyGen(ikm); sk != other {
			t.Fatalf("seed %x: blst %x, gnark %x", ikm, sk, other)
		}
		pk1, pk2 := fast.PublicKey(&sk), pure.PublicKey(&sk)
		if a, b := fast.CompressG2(&pk1), pure.CompressG2(&pk2); a != b {
			t.Fatalf("key %x: blst %x, gnark %x", sk, a, b)
		}
		s1, s2 := fast.Sign(&sk, msg, dst), pure.Sign(&sk, msg, dst)
		if a, b := fast.EncodeG1(&s1), pure.EncodeG1(&s2); a != b {
			t.Fatalf("key %x, message %x: blst %x, gnark %x", sk, msg, a, b)
		}
		if !fast.Verify(&pk1, msg, dst, &s1) || !pure.Verify(&pk2, msg, dst, &s2) {
			t.Fatal("valid signature refused")
		}
		msg = append(msg, 0)
		if fast.Verify(&pk1, msg, dst, &s1) || pure.Verify(&pk2, msg, dst, &s2) {
			t.Fatal("signature on another message accepted")
		}
	}
}

// TestBackendsAgreeOnSums adds points with every special case: equal, inverse,
// outside the subgroup, none at all.
func TestBackendsAgreeOnSums(t *testing.T) {
	msg := []byte("header")
	a, b := vectors.Key(1).Sign(msg), vectors.Key(2).Sign(msg)
	outside := vectors.OutsideG1()
	pool := [][96]byte{a, vectors.Negated(a), b, vectors.Plus(a, vectors.Torsion()), outside.RawBytes()}
	k1, k2 := vectors.Key(1).PublicKey().Bytes(), vectors.Key(2).PublicKey().Bytes()
	negated, twist := k1, vectors.OutsideG2()
	negated[0] ^= 0x20
	keys := [][96]byte{k1, negated, k2, twist.Bytes()}
	rng := rand.New(rand.NewPCG(5, 6))
	for n := range 150 {
		var votes, pks [][96]byte
		for range n % 6 {
			votes = append(votes, pool[rng.IntN(len(pool))])
			pks = append(pks, keys[rng.IntN(len(keys))])
		}
		if f, p := sumG1(blstbackend.Backend{}, votes), sumG1(gnarkbackend.Backend{}, votes); f != p {
			t.Fatalf("votes %x:\nblst  %+v\ngnark %+v", votes, f, p)
		}
		if f, p := sumG2(blstbackend.Backend{}, pks), sumG2(gnarkbackend.Backend{}, pks); f != p {
			t.Fatalf("keys %x:\nblst  %+v\ngnark %+v", pks, f, p)
		}
	}
}

func sumG1[G1, G2 any](b backend.Backend[G1, G2], in [][96]byte) verdict {
	var points []*G1
	for i := range in {
		p, _ := b.DecodeG1(&in[i])
		points = append(points, &p)
	}
	sum := b.SumG1(points)
	return ofG1(b, sum, !b.IsInfinityG1(&sum))
}

func sumG2[G1, G2 any](b backend.Backend[G1, G2], in [][96]byte) verdict {
	var points []*G2
	for i := range in {
		p, _ := b.DecompressG2(&in[i])
		points = append(points, &p)
	}
	sum := b.SumG2(points)
	short := b.CompressG2(&sum)
	return verdict{!b.IsInfinityG2(&sum), b.InSubgroupG2(&sum), string(short[:]), ""}
}

// TestBackendsRefuseShortSeeds: fewer than 32 bytes give no key.
func TestBackendsRefuseShortSeeds(t *testing.T) {
	short := make([]byte, 31)
	if a, b := (blstbackend.Backend{}).KeyGen(short), (gnarkbackend.Backend{}).KeyGen(short); a != b || a != [32]byte{} {
		t.Fatalf("blst %x, gnark %x, want zero", a, b)
	}
}

// TestStandardVectors holds both backends to published values: a signature
// with the scalar 1 is the hash to the curve.
func TestStandardVectors(t *testing.T) {
	standardVectors(t, blstbackend.Backend{})
	standardVectors(t, gnarkbackend.Backend{})
}

func standardVectors[G1, G2 any](t *testing.T, b backend.Backend[G1, G2]) {
	t.Helper()
	one := [32]byte{31: 1}
	for msg, want := range map[string]string{ // RFC 9380, appendix J.9.1
		"": "052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1" +
			"08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc68ee29813bb7994998f3eae0c9c6a265",
		"abc": "03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903" +
			"0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d",
	} {
		p := b.Sign(&one, []byte(msg), []byte("QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"))
		if got := b.EncodeG1(&p); !bytes.Equal(got[:], unhex(t, want)) {
			t.Errorf("%T: hash of %q: got %x, want %s", b, msg, got, want)
		}
	}
	pk := b.PublicKey(&one)
	_, _, _, generator := bls12381.Generators()
	if got := b.CompressG2(&pk); got != generator.Bytes() {
		t.Errorf("%T: generator: got %x", b, got)
	}
	// EIP-2333, test case 0: its master key is KeyGen of the seed.
	seed := unhex(t, "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e5349553"+
		"1f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04")
	want := unhex(t, "0d7359d57963ab8fbbde1852dcf553fedbc31f464d80ee7d40ae683122b45070")
	if got := b.KeyGen(seed); !bytes.Equal(got[:], want) {
		t.Errorf("%T: KeyGen: got %x, want %x", b, got, want)
	}
}

func FuzzBackends(f *testing.F) {
	kinds := []string{"vote", "signature", "public key"}
	for i, file := range []string{"parse_vote.json", "parse_signature.json", "parse_public_key.json"} {
		for _, row := range load[vectors.Parse](f, file) {
			f.Add(i, unhex(f, row.Hex))
		}
	}
	f.Fuzz(func(t *testing.T, kind int, in []byte) {
		compare(t, kinds[uint(kind)%3], in)
	})
}
