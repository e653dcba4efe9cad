package bls_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/vectors"
)

func mustKey(t testing.TB, b []byte) *bls.PublicKey {
	t.Helper()
	pk, err := bls.ParsePublicKey(b)
	if err != nil {
		t.Fatal(err)
	}
	return pk
}

func mustVote(t testing.TB, b [bls.VoteSize]byte) bls.Point {
	t.Helper()
	p, err := bls.ParseVote(b[:])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustAggregate(t testing.TB, votes []bls.Point) bls.Signature {
	t.Helper()
	sig, err := bls.Aggregate(votes)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// committee is n validators that all voted for msg.
func committee(t testing.TB, n int, msg []byte) (sks []*bls.SecretKey, pks []*bls.PublicKey, votes []bls.Point) {
	t.Helper()
	for i := range n {
		sk := vectors.Key(byte(i + 1))
		sks = append(sks, sk)
		pks = append(pks, sk.PublicKey())
		votes = append(votes, mustVote(t, sk.Sign(msg)))
	}
	return sks, pks, votes
}

func want(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got error %v, want %v", err, kind)
	}
}

func TestSecretKeyRange(t *testing.T) {
	order := unhex(t, "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001")
	below, above := bytes.Clone(order), bytes.Clone(order)
	below[31]--
	above[31]++
	one := make([]byte, 32)
	one[31] = 1
	for _, good := range [][]byte{one, below} {
		sk, err := bls.NewSecretKey(good)
		if err != nil || !bytes.Equal(sk.Bytes(), good) {
			t.Fatalf("scalar %x: %v", good, err)
		}
	}
	for _, bad := range [][]byte{make([]byte, 32), order, above, bytes.Repeat([]byte{0xff}, 32)} {
		_, err := bls.NewSecretKey(bad)
		want(t, err, bls.ErrScalar)
	}
	for _, n := range []int{0, 31, 33} {
		_, err := bls.NewSecretKey(make([]byte, n))
		want(t, err, bls.ErrLength)
	}
	_, err := bls.GenerateKey(bytes.NewReader(one[:31]))
	want(t, err, bls.ErrRandomness)
	_, err = bls.GenerateKey(nil)
	want(t, err, bls.ErrRandomness)
}

func TestSecretKeyIsNeverPrinted(t *testing.T) {
	sk := vectors.Key(7)
	var out strings.Builder
	holder := struct {
		Exported *bls.SecretKey
		value    bls.SecretKey
		pointer  *bls.SecretKey
	}{sk, *sk, sk}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b"} {
		fmt.Fprintf(&out, verb+verb+verb+verb, sk, *sk, holder, &holder)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("key", "key", sk, "holder", holder)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "key", sk, "holder", holder)
	if err := json.NewEncoder(&out).Encode(holder); err != nil {
		t.Fatal(err)
	}
	b := sk.Bytes()
	for _, leak := range []string{
		fmt.Sprintf("%x", b[:4]), fmt.Sprintf("%X", b[:4]), string(b[:4]),
		strings.Trim(fmt.Sprintf("%d", b[:4]), "[]"), strings.Trim(fmt.Sprintf("%#v", b[:4]), "[]byte{}"),
	} {
		if strings.Contains(out.String(), leak) {
			t.Fatalf("output holds the secret as %q", leak)
		}
	}
}

func TestVerifyRefusals(t *testing.T) {
	msg := []byte("header")
	_, pks, votes := committee(t, 4, msg)
	sig := mustAggregate(t, votes)
	if err := bls.Verify(pks[0], msg, votes[0]); err != nil {
		t.Fatal(err)
	}
	if err := bls.VerifyAggregate(pks, msg, sig); err != nil {
		t.Fatal(err)
	}
	want(t, bls.Verify(pks[1], msg, votes[0]), bls.ErrSignature)
	want(t, bls.Verify(pks[0], []byte("other"), votes[0]), bls.ErrSignature)
	want(t, bls.VerifyAggregate(pks[:3], msg, sig), bls.ErrSignature)
	want(t, bls.VerifyAggregate(append(pks[:4:4], pks[0]), msg, sig), bls.ErrSignature)
	want(t, bls.VerifyAggregate(pks, nil, sig), bls.ErrSignature)
	want(t, bls.VerifyAggregate(pks, msg, mustAggregate(t, votes[:3])), bls.ErrSignature)
}

func TestAggregateOrderDoesNotMatter(t *testing.T) {
	msg := []byte("header")
	_, pks, votes := committee(t, 9, msg)
	sig := mustAggregate(t, votes)
	slices.Reverse(votes)
	slices.Reverse(pks)
	if got := mustAggregate(t, votes).Bytes(); got != sig.Bytes() {
		t.Fatalf("got %x, want %x", got, sig.Bytes())
	}
	if err := bls.VerifyAggregate(pks, msg, sig); err != nil {
		t.Fatal(err)
	}
}

func TestOneKeyTwiceIsItsDouble(t *testing.T) {
	msg := []byte("header")
	_, pks, votes := committee(t, 1, msg)
	sig := mustAggregate(t, []bls.Point{votes[0], votes[0]})
	if err := bls.VerifyAggregate([]*bls.PublicKey{pks[0], pks[0]}, msg, sig); err != nil {
		t.Fatal(err)
	}
	want(t, bls.VerifyAggregate(pks, msg, sig), bls.ErrSignature)
}

func TestPublicKeyEqual(t *testing.T) {
	a, b := vectors.Key(1).PublicKey(), vectors.Key(2).PublicKey()
	same := a.Bytes()
	var none *bls.PublicKey
	if !a.Equal(mustKey(t, same[:])) || a.Equal(b) || a.Equal(none) || none.Equal(a) || !none.Equal(none) {
		t.Fatal("Equal is wrong")
	}
}

// TestFindInvalid compares bisection with a check of every vote alone.
func TestFindInvalid(t *testing.T) {
	msg := []byte("header")
	sks, pks, honest := committee(t, 11, msg)
	torsion := vectors.Torsion()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, len(sks)).Draw(rt, "n")
		votes := slices.Clone(honest[:n])
		var wantBad []int
		for i := range votes {
			switch rapid.IntRange(0, 5).Draw(rt, "vote") {
			case 0:
				votes[i] = mustVote(t, sks[i].Sign([]byte{byte(i)}))
			case 1:
				votes[i] = mustVote(t, vectors.Plus(sks[i].Sign(msg), torsion))
			default:
				continue
			}
			wantBad = append(wantBad, i)
		}
		bad := bls.FindInvalid(pks[:n], msg, votes)
		// Three votes with the same torsion cancel, so bisection may let a
		// triple pass; whoever it names is bad, and the rest aggregates.
		for _, i := range bad {
			if !slices.Contains(wantBad, i) {
				rt.Fatalf("blamed %v, bad are %v", bad, wantBad)
			}
		}
		var restKeys []*bls.PublicKey
		var rest []bls.Point
		for i := range votes {
			if !slices.Contains(bad, i) {
				restKeys, rest = append(restKeys, pks[i]), append(rest, votes[i])
			}
		}
		if len(rest) == 0 {
			return
		}
		sig, err := bls.Aggregate(rest)
		if err != nil {
			rt.Fatal(err)
		}
		if err := bls.VerifyAggregate(restKeys, msg, sig); err != nil {
			rt.Fatalf("blamed %v, bad are %v: %v", bad, wantBad, err)
		}
	})
}

func TestFindInvalidUnpaired(t *testing.T) {
	msg := []byte("header")
	_, pks, votes := committee(t, 4, msg)
	if bad := bls.FindInvalid(pks, msg, votes); len(bad) != 0 {
		t.Fatalf("blamed %v, want none", bad)
	}
	if bad := bls.FindInvalid(pks[:2], msg, votes); !slices.Equal(bad, []int{2, 3}) {
		t.Fatalf("blamed %v, want [2 3]", bad)
	}
	if bad := bls.FindInvalid(pks, msg, votes[:3]); !slices.Equal(bad, []int{3}) {
		t.Fatalf("blamed %v, want [3]", bad)
	}
	if bad := bls.FindInvalid(nil, msg, nil); len(bad) != 0 {
		t.Fatalf("blamed %v, want none", bad)
	}
}
