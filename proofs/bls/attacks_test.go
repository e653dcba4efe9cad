package bls_test

import (
	"math/big"
	"slices"
	"testing"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"

	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/vectors"
)

// One test for each attack on BLS that the project's threat list names.

// inverse is the key −k of a key k.
func inverse(t *testing.T, k *bls.SecretKey) *bls.SecretKey {
	t.Helper()
	s := new(big.Int).SetBytes(k.Bytes())
	inv, err := bls.NewSecretKey(s.Sub(fr.Modulus(), s).FillBytes(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// TestRogueKey: the attacker registers pk' = g2·s − pk of the victim, and alone
// signs for both. Verification cannot see it; possession can.
func TestRogueKey(t *testing.T) {
	victim, attacker := vectors.Key(1), vectors.Key(2)
	victimOwner, attackerOwner := [32]byte{1}, [32]byte{2}
	msg := []byte("the victim never signed this")

	var own, target, diff bls12381.G2Affine
	a, v := attacker.PublicKey().Bytes(), victim.PublicKey().Bytes()
	for p, b := range map[*bls12381.G2Affine][]byte{&own: a[:], &target: v[:]} {
		if _, err := p.SetBytes(b); err != nil {
			t.Fatal(err)
		}
	}
	diff.Sub(&own, &target)
	d := diff.Bytes()
	rogue := mustKey(t, d[:])

	forged := mustAggregate(t, []bls.Point{mustVote(t, attacker.Sign(msg))})
	set := []*bls.PublicKey{victim.PublicKey(), rogue}
	if err := bls.VerifyAggregate(set, msg, forged); err != nil {
		t.Fatalf("the attack itself does not work: %v", err)
	}

	proof := victim.ProvePossession(victimOwner)
	if err := bls.VerifyPossession(victim.PublicKey(), victimOwner, proof[:]); err != nil {
		t.Fatal(err)
	}
	ofOwn := attacker.ProvePossession(attackerOwner)
	message := append(d[:], attackerOwner[:]...)
	crossed := mustAggregate(t, []bls.Point{mustVote(t, attacker.Sign(message))}).Bytes()
	for name, p := range map[string][]byte{
		"missing": nil, "foreign": ofOwn[:], "replayed": proof[:], "under the votes' tag": crossed[:],
	} {
		t.Run(name, func(t *testing.T) {
			want(t, bls.VerifyPossession(rogue, attackerOwner, p), bls.ErrPossession)
		})
	}
	t.Run("victim's key and proof under another owner", func(t *testing.T) {
		err := bls.VerifyPossession(victim.PublicKey(), attackerOwner, proof[:])
		want(t, err, bls.ErrPossession)
		want(t, err, bls.ErrSignature)
	})
	t.Run("possession is not a vote", func(t *testing.T) {
		key := victim.PublicKey().Bytes()
		sig, err := bls.ParseSignature(proof[:])
		if err != nil {
			t.Fatal(err)
		}
		err = bls.VerifyAggregate([]*bls.PublicKey{victim.PublicKey()}, append(key[:], victimOwner[:]...), sig)
		want(t, err, bls.ErrSignature)
	})
}

// TestSplittingZero: two keys with sum infinity vanish from an aggregate.
func TestSplittingZero(t *testing.T) {
	msg := []byte("header")
	a := vectors.Key(1)
	b := inverse(t, a)
	honest := vectors.Key(3)
	pair := []*bls.PublicKey{a.PublicKey(), b.PublicKey()}
	votes := []bls.Point{mustVote(t, a.Sign(msg)), mustVote(t, b.Sign(msg))}

	if err := bls.CheckKeySet([]*bls.PublicKey{a.PublicKey(), honest.PublicKey()}); err != nil {
		t.Fatal(err)
	}
	want(t, bls.CheckKeySet([]*bls.PublicKey{pair[0], honest.PublicKey(), pair[1]}), bls.ErrInverseKeys)
	want(t, bls.CheckKeySet([]*bls.PublicKey{pair[0], honest.PublicKey(), pair[0]}), bls.ErrDuplicateKey)
	want(t, bls.CheckKeySet(nil), bls.ErrEmpty)
	want(t, bls.CheckKeySet([]*bls.PublicKey{pair[0], nil}), bls.ErrInfinity)

	_, err := bls.AggregateKeys(pair)
	want(t, err, bls.ErrInfinity)
	_, err = bls.Aggregate(votes)
	want(t, err, bls.ErrInfinity)

	// A bitmap that lists the pair verifies with their votes and without: it
	// cannot serve as blame. Nor does the search for blame name them.
	vote := mustVote(t, honest.Sign(msg))
	all := append(slices.Clone(pair), honest.PublicKey())
	if err := bls.VerifyAggregate(all, msg, mustAggregate(t, []bls.Point{vote})); err != nil {
		t.Fatal(err)
	}
	if bad := bls.FindInvalid(pair, msg, votes); len(bad) != 0 {
		t.Fatalf("blamed %v for valid votes", bad)
	}
}

// TestSubgroup: points on the curve and outside the group of order r.
func TestSubgroup(t *testing.T) {
	msg := []byte("header")
	sk := vectors.Key(1)
	vote := sk.Sign(msg)
	good := vectors.Vote(vote)
	goodBytes := good.Bytes()
	if _, err := bls.ParseSignature(goodBytes[:]); err != nil {
		t.Fatal(err)
	}
	outside := vectors.OutsideG2()
	if !outside.IsOnCurve() || outside.IsInSubGroup() {
		t.Fatal("the point does not serve the test")
	}
	key := outside.Bytes()
	_, err := bls.ParsePublicKey(key[:])
	want(t, err, bls.ErrSubgroup)

	zeroX, shifted := vectors.Torsion(), vectors.Vote(vectors.Plus(vote, vectors.Torsion()))
	for name, p := range map[string]bls12381.G1Affine{
		"of order three": zeroX, "valid plus order three": shifted, "of large order": vectors.OutsideG1(),
	} {
		t.Run(name, func(t *testing.T) {
			short, long := p.Bytes(), p.RawBytes()
			_, err := bls.ParseSignature(short[:])
			want(t, err, bls.ErrSubgroup)
			want(t, bls.VerifyPossession(sk.PublicKey(), [32]byte{1}, short[:]), bls.ErrSubgroup)
			v, err := bls.ParseVote(long[:])
			if p == zeroX {
				want(t, err, bls.ErrSubgroup)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want(t, bls.Verify(sk.PublicKey(), msg, v), bls.ErrSubgroup)
			_, err = bls.Aggregate([]bls.Point{v})
			want(t, err, bls.ErrSubgroup)
		})
	}
}

// TestInfinityAndEmpty: an empty aggregate must never be "true".
func TestInfinityAndEmpty(t *testing.T) {
	msg := []byte("header")
	_, pks, votes := committee(t, 2, msg)
	sig := mustAggregate(t, votes)
	if err := bls.VerifyAggregate(pks, msg, sig); err != nil {
		t.Fatal(err)
	}
	want(t, bls.VerifyAggregate(nil, msg, sig), bls.ErrEmpty)
	want(t, bls.VerifyAggregate(nil, msg, bls.Signature{}), bls.ErrEmpty)
	want(t, bls.VerifyAggregate(pks, msg, bls.Signature{}), bls.ErrInfinity)
	want(t, bls.VerifyAggregate([]*bls.PublicKey{pks[0], nil}, msg, sig), bls.ErrInfinity)
	want(t, bls.VerifyAggregate([]*bls.PublicKey{pks[0], {}}, msg, sig), bls.ErrInfinity)
	want(t, bls.Verify(nil, msg, votes[0]), bls.ErrInfinity)
	want(t, bls.Verify(&bls.PublicKey{}, msg, votes[0]), bls.ErrInfinity)
	want(t, bls.Verify(pks[0], msg, bls.Point{}), bls.ErrInfinity)
	want(t, bls.VerifyPossession(nil, [32]byte{}, nil), bls.ErrPossession)
	want(t, bls.VerifyPossession(&bls.PublicKey{}, [32]byte{}, nil), bls.ErrInfinity)
	_, err := bls.Aggregate(nil)
	want(t, err, bls.ErrEmpty)
	_, err = bls.Aggregate([]bls.Point{votes[0], {}})
	want(t, err, bls.ErrInfinity)
	_, err = bls.AggregateKeys(nil)
	want(t, err, bls.ErrEmpty)
	if bad := bls.FindInvalid([]*bls.PublicKey{nil, pks[1]}, msg, votes); !slices.Equal(bad, []int{0}) {
		t.Fatalf("blamed %v, want [0]", bad)
	}
}

// TestTorsion: a vote σ + T, with T outside the subgroup, satisfies the pairing
// equation of a verifier that does not check the subgroup, and would spoil a
// certificate whose assembler took it. The sum shows it, the search names it.
func TestTorsion(t *testing.T) {
	msg := []byte("header")
	sks, pks, votes := committee(t, 13, msg)
	if err := bls.VerifyAggregate(pks, msg, mustAggregate(t, votes)); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]bls12381.G1Affine{"order three": vectors.Torsion(), "large order": cofactorPart(t)} {
		t.Run(name, func(t *testing.T) {
			spoiled := slices.Clone(votes)
			spoiled[7] = mustVote(t, vectors.Plus(sks[7].Sign(msg), p))
			_, err := bls.Aggregate(spoiled)
			want(t, err, bls.ErrSubgroup)
			want(t, bls.Verify(pks[7], msg, spoiled[7]), bls.ErrSubgroup)
			if bad := bls.FindInvalid(pks, msg, spoiled); !slices.Equal(bad, []int{7}) {
				t.Fatalf("blamed %v, want [7]", bad)
			}
			rest := slices.Delete(slices.Clone(spoiled), 7, 8)
			keys := slices.Delete(slices.Clone(pks), 7, 8)
			if err := bls.VerifyAggregate(keys, msg, mustAggregate(t, rest)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// cofactorPart is r·P for a point P outside G1: nothing of it is in G1.
func cofactorPart(t *testing.T) (out bls12381.G1Affine) {
	t.Helper()
	var sum, base bls12381.G1Jac
	outside := vectors.OutsideG1()
	base.FromAffine(&outside)
	for i := fr.Modulus().BitLen() - 1; i >= 0; i-- {
		sum.DoubleAssign()
		if fr.Modulus().Bit(i) == 1 {
			sum.AddAssign(&base)
		}
	}
	out.FromJacobian(&sum)
	if out.IsInfinity() || !out.IsOnCurve() {
		t.Fatal("the point does not serve the test")
	}
	return out
}
