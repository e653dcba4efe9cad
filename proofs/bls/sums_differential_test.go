//go:build cgo

package bls_test

import (
	"math/rand/v2"
	"testing"

	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/backend"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/blstbackend"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/gnarkbackend"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/vectors"
)

// full is a backend with both of its interfaces.
type full[G1, G2, S any] interface {
	backend.Backend[G1, G2]
	backend.Sums[G1, G2, S]
}

// TestBackendsAgreeOnRunningSums adds, doubles, cancels and scales at random: every
// intermediate sum has equal bytes.
func TestBackendsAgreeOnRunningSums(t *testing.T) {
	for seed := range uint64(20) {
		fast := runningSums(blstbackend.Backend{}, seed)
		pure := runningSums(gnarkbackend.Backend{}, seed)
		for i := range fast {
			if fast[i] != pure[i] {
				t.Fatalf("seed %d, step %d: blst %x, gnark %x", seed, i, fast[i], pure[i])
			}
		}
	}
}

func runningSums[G1, G2, S any](b full[G1, G2, S], seed uint64) (seen [][96]byte) {
	rng := rand.New(rand.NewPCG(seed, 7))
	dst := []byte(bls.DST)
	p := b.HashG1([]byte{byte(seed)}, dst)
	negated := b.EncodeG1(&p)
	negated = vectors.Negated(negated)
	minus, _ := b.DecodeG1(&negated)
	var sum, other S
	note := func(s *S) {
		a := b.Affine(s)
		seen = append(seen, b.EncodeG1(&a))
	}
	note(&sum)
	for range 24 {
		switch rng.IntN(6) {
		case 0:
			b.Add(&sum, &p)
		case 1:
			b.Add(&sum, &minus)
		case 2:
			b.Join(&sum, &sum)
		case 3:
			b.Join(&sum, &other)
		case 4:
			var factor [16]byte
			for i := rng.IntN(17); i < 16; i++ { // of any length, zero too
				factor[i] = byte(rng.Uint32())
			}
			other = b.Scale(&p, &factor)
			note(&other)
		default:
			a := b.Affine(&sum)
			sum = *new(S)
			b.Add(&sum, &a)
		}
		note(&sum)
	}
	return seen
}

// TestBackendsAgreeOnProducts: equal verdicts on products of pairings that hold,
// that do not, and with infinity in every place.
func TestBackendsAgreeOnProducts(t *testing.T) {
	for _, keys := range []int{1, 2, 7, 8, 9, 17} {
		fast, pure := products(blstbackend.Backend{}, keys), products(gnarkbackend.Backend{}, keys)
		for i, want := range []bool{true, false, false, true, false, true, false, true} {
			if fast[i] != want || pure[i] != want {
				t.Errorf("%d keys, case %d: blst %t, gnark %t, want %t", keys, i, fast[i], pure[i], want)
			}
		}
	}
}

func products[G1, G2, S any](b full[G1, G2, S], n int) []bool {
	dst := []byte(bls.DST)
	points, keys := make([]G1, n), make([]*G2, n)
	var sum S
	for k := range n {
		scalar := b.KeyGen(append(make([]byte, 32), byte(k)))
		pk, msg := b.PublicKey(&scalar), []byte{byte(k)}
		points[k], keys[k] = b.HashG1(msg, dst), &pk
		sig := b.Sign(&scalar, msg, dst)
		b.Add(&sum, &sig)
	}
	sig := b.Affine(&sum)
	var infinity G1
	var noKey G2
	out := []bool{b.VerifyProduct(points, keys, &sig), b.VerifyProduct(points, keys, &points[0]), b.VerifyProduct(points, keys, &infinity)}
	// A pair with infinity contributes nothing, whichever half it is.
	more := append(append([]G1{}, points...), infinity, points[0])
	with := append(append([]*G2{}, keys...), keys[0], &noKey)
	out = append(out, b.VerifyProduct(more, with, &sig), b.VerifyProduct(more[:n], with[1:n+1], &points[0]))
	nothing := make([]G1, n)
	out = append(out, b.VerifyProduct(nothing, keys, &infinity), b.VerifyProduct(nothing, keys, &sig))
	minus := vectors.Negated(b.EncodeG1(&points[0]))
	inverse, _ := b.DecodeG1(&minus)
	pair, same := []G1{points[0], inverse}, []*G2{keys[0], keys[0]}
	return append(out, b.VerifyProduct(pair, same, &infinity))
}
