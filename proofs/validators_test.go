package proofs_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
)

// badSet shows that four members make a set, and that none is made after change.
func badSet(t *testing.T, name string, want error, change func(m []proofs.Validator) []proofs.Validator) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		members := prooftest.Members(prooftest.Even(1, 4))
		_, err := proofs.NewValidatorSet(members)
		ok(t, err)
		set, err := proofs.NewValidatorSet(change(members))
		wantError(t, err, want)
		if set != nil {
			t.Error("got a set together with an error")
		}
	})
}

func TestRonin2024Sets(t *testing.T) {
	badSet(t, "zero weight", proofs.ErrWeight, func(m []proofs.Validator) []proofs.Validator { m[2].Weight = 0; return m })
	badSet(t, "no members", proofs.ErrTooLarge, func([]proofs.Validator) []proofs.Validator { return nil })
	badSet(t, "too many members", proofs.ErrTooLarge, func([]proofs.Validator) []proofs.Validator {
		return make([]proofs.Validator, proofs.MaxValidators+1)
	})
}

func TestWeightArithmetic(t *testing.T) {
	badSet(t, "sum over the top", proofs.ErrWeight, func(m []proofs.Validator) []proofs.Validator {
		m[0].Weight = proofs.MaxTotalWeight - 2
		return m
	})
	badSet(t, "sum wraps", proofs.ErrWeight, func(m []proofs.Validator) []proofs.Validator {
		m[0].Weight, m[1].Weight = 1<<63, 1<<63
		return m
	})
	members := prooftest.Members(prooftest.Even(1, 4))
	members[0].Weight = proofs.MaxTotalWeight - 3
	set, err := proofs.NewValidatorSet(members)
	ok(t, err)
	const total = proofs.MaxTotalWeight
	for _, c := range []struct {
		weight       uint64
		quorum, some bool
	}{
		{0, false, false}, {total / 3, false, false}, {total/3 + 1, false, true},
		{total / 3 * 2, false, true}, {total/3*2 + 1, false, true}, {total/3*2 + 2, true, true}, {total, true, true},
	} {
		if got := set.IsQuorum(c.weight); got != c.quorum {
			t.Errorf("quorum of %d: got %v, want %v", c.weight, got, c.quorum)
		}
		if got := set.IsOneHonest(c.weight); got != c.some {
			t.Errorf("one honest of %d: got %v, want %v", c.weight, got, c.some)
		}
	}
	if set.Exceeds(total, 1, 1) || set.Exceeds(total, 0, 0) || set.Exceeds(total, 1, 0) {
		t.Error("an impossible threshold was exceeded")
	}
}

// TestThreshold shows the exact threshold on certificates: two thirds are not
// enough, one unit more is.
func TestThreshold(t *testing.T) {
	c := prooftest.NewCommittee(prooftest.Seat{Keys: 1, Weight: 1}, prooftest.Seat{Keys: 2, Weight: 1}, prooftest.Seat{Keys: 3, Weight: 1})
	msg := []byte("threshold")
	three, two := c.Sign(msg), c.Sign(msg, 0, 1)
	ok(t, three.Verify(c.Set, msg, 2, 3))
	wantError(t, two.Verify(c.Set, msg, 2, 3), proofs.ErrQuorum)
	ok(t, two.Verify(c.Set, msg, 1, 3))
	one := c.Sign(msg, 2)
	wantError(t, one.Verify(c.Set, msg, 1, 3), proofs.ErrQuorum)
	wantError(t, three.Verify(c.Set, []byte("other"), 2, 3), proofs.ErrSignature)
}

func TestSetOrder(t *testing.T) {
	badSet(t, "unsorted", proofs.ErrNotCanon, func(m []proofs.Validator) []proofs.Validator { m[0], m[1] = m[1], m[0]; return m })
	badSet(t, "node twice", proofs.ErrNotCanon, func(m []proofs.Validator) []proofs.Validator { m[1] = m[0]; return m })
	badSet(t, "key twice", proofs.ErrNotCanon, func(m []proofs.Validator) []proofs.Validator { m[1].Key = m[0].Key; return m })
}

func TestBLSRogueKey(t *testing.T) {
	badSet(t, "missing proof", proofs.ErrPossession, func(m []proofs.Validator) []proofs.Validator {
		m[1].Possession = [bls.SignatureSize]byte{}
		return m
	})
	badSet(t, "foreign proof", proofs.ErrPossession, func(m []proofs.Validator) []proofs.Validator {
		m[1].Possession = m[2].Possession
		return m
	})
	badSet(t, "replayed for another node", proofs.ErrPossession, func(m []proofs.Validator) []proofs.Validator {
		m[1].Node[31] ^= 1
		return m
	})
	badSet(t, "vote as proof", proofs.ErrPossession, func(m []proofs.Validator) []proofs.Validator {
		msg := append(slices.Clone(m[1].Key[:]), m[1].Node[:]...)
		for k := uint64(1); k <= 4; k++ {
			if prooftest.Secret(k).PublicKey().Bytes() != m[1].Key {
				continue
			}
			vote := prooftest.Secret(k).Sign(msg)
			p, err := bls.ParseVote(vote[:])
			if err != nil {
				panic(err)
			}
			sig, err := bls.Aggregate([]bls.Point{p})
			if err != nil {
				panic(err)
			}
			m[1].Possession = sig.Bytes()
		}
		return m
	})
}

func TestBLSSplittingZero(t *testing.T) {
	badSet(t, "inverse keys, both possessed", bls.ErrInverseKeys, func(m []proofs.Validator) []proofs.Validator {
		order, _ := new(big.Int).SetString("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001", 16)
		for k := uint64(1); k <= 4; k++ {
			secret := new(big.Int).SetBytes(prooftest.Secret(k).Bytes())
			inverse, err := bls.NewSecretKey(secret.Sub(order, secret).FillBytes(make([]byte, bls.SecretKeySize)))
			if err != nil {
				panic(err)
			}
			if prooftest.Secret(k).PublicKey().Bytes() == m[0].Key {
				m[3].Key, m[3].Possession = inverse.PublicKey().Bytes(), inverse.ProvePossession(m[3].Node)
			}
		}
		return m
	})
}

func TestBLSSubgroup(t *testing.T) {
	for _, row := range blsRows(t, "parse_public_key.json", bls.PublicKeySize) {
		badSet(t, "key: "+row.Desc, blsKind(t, row.WantErr), func(m []proofs.Validator) []proofs.Validator {
			m[1].Key = [bls.PublicKeySize]byte(row.raw)
			return m
		})
	}
	for _, row := range blsRows(t, "parse_signature.json", bls.SignatureSize) {
		badSet(t, "possession: "+row.Desc, proofs.ErrPossession, func(m []proofs.Validator) []proofs.Validator {
			m[1].Possession = [bls.SignatureSize]byte(row.raw)
			return m
		})
		refused(t, "certificate: "+row.Desc, proofs.ErrSignature, func(s *scene) {
			s.slice.Header.Certificate.Quorum.Signature = [bls.SignatureSize]byte(row.raw)
		})
	}
}

func TestDuplicateSigner(t *testing.T) {
	refused(t, "padding byte", proofs.ErrSigner, func(s *scene) {
		q := &s.slice.Header.Certificate.Quorum
		q.Bitmap = append(q.Bitmap, 0)
	})
	refused(t, "no bitmap", proofs.ErrSigner, func(s *scene) { s.slice.Header.Certificate.Quorum.Bitmap = nil })
	refused(t, "bit beyond the set", proofs.ErrSigner, func(s *scene) { proofs.SetBit(s.slice.Header.Certificate.Quorum.Bitmap, 4) })
	refused(t, "one vote counted for two", proofs.ErrSignature, func(s *scene) {
		s.sign(0, 1)
		proofs.SetBit(s.slice.Header.Certificate.Quorum.Bitmap, 2)
	})
}

type blsRow struct {
	Desc, Hex, WantErr string
	raw                []byte
}

// blsRows reads the refused inputs of one length from the vectors of proofs/bls.
func blsRows(t *testing.T, file string, size int) (rows []blsRow) {
	t.Helper()
	b, err := os.ReadFile("bls/testdata/" + file)
	ok(t, err)
	var all []blsRow
	ok(t, json.Unmarshal(b, &all))
	for _, r := range all {
		r.raw, err = hex.DecodeString(r.Hex)
		ok(t, err)
		if r.WantErr != "" && len(r.raw) == size {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		t.Fatalf("%s: no refused row of %d bytes", file, size)
	}
	return rows
}

// blsKind returns the error kind that a vector names.
func blsKind(t *testing.T, name string) error {
	t.Helper()
	for _, kind := range []struct {
		name string
		err  error
	}{
		{"ErrNonCanonical", bls.ErrNonCanonical}, {"ErrInfinity", bls.ErrInfinity},
		{"ErrNotOnCurve", bls.ErrNotOnCurve}, {"ErrSubgroup", bls.ErrSubgroup},
	} {
		if kind.name == name {
			return kind.err
		}
	}
	t.Fatalf("unknown kind %q", name)
	return nil
}

func TestDelta(t *testing.T) {
	old := prooftest.NewCommittee(prooftest.Even(1, 5)...).Set
	seats := append(prooftest.Even(3, 5), prooftest.Seat{Keys: 2, Weight: 7}) // 1 leaves, 2 changes, 6 and 7 come
	next := prooftest.NewCommittee(seats...).Set
	d := old.Delta(next)
	if len(d.Removed) != 1 || len(d.Upserted) != 3 {
		t.Fatalf("got %d removals and %d members, want 1 and 3", len(d.Removed), len(d.Upserted))
	}
	got, err := old.Apply(&d)
	ok(t, err)
	if got.Hash() != next.Hash() || got.Total() != next.Total() {
		t.Error("the delta does not lead to the next set")
	}
	same, err := old.Apply(&proofs.SetDelta{})
	ok(t, err)
	if same.Hash() != old.Hash() {
		t.Error("the empty delta changes the set")
	}
	for i := range d.Upserted {
		if j, found := got.IndexOf(d.Upserted[i].Node); !found || got.Key(j).Bytes() != d.Upserted[i].Key {
			t.Errorf("member %d has another key", i)
		}
	}
}

func TestDeltaRefused(t *testing.T) {
	old := prooftest.NewCommittee(prooftest.Even(1, 5)...).Set
	next := prooftest.NewCommittee(append(prooftest.Even(4, 4), prooftest.Seat{Keys: 3, Weight: 7})...).Set
	for _, c := range []struct {
		name   string
		want   error
		change func(d *proofs.SetDelta)
	}{
		{"removals unsorted", proofs.ErrNotCanon, func(d *proofs.SetDelta) { slices.Reverse(d.Removed) }},
		{"removal repeated", proofs.ErrNotCanon, func(d *proofs.SetDelta) { d.Removed[1] = d.Removed[0] }},
		{"removes a stranger", proofs.ErrNotCanon, func(d *proofs.SetDelta) { d.Removed = []proofs.NodeKey{{1}} }},
		{"members unsorted", proofs.ErrNotCanon, func(d *proofs.SetDelta) { slices.Reverse(d.Upserted) }},
		{"member repeated", proofs.ErrNotCanon, func(d *proofs.SetDelta) { d.Upserted[1] = d.Upserted[0] }},
		{"member that does not change", proofs.ErrNotCanon, func(d *proofs.SetDelta) { d.Upserted = []proofs.Validator{old.At(0)} }},
		{"removed and added again", proofs.ErrNotCanon, func(d *proofs.SetDelta) {
			m := old.At(0)
			d.Removed, d.Upserted = []proofs.NodeKey{m.Node}, []proofs.Validator{m}
		}},
		{"removed and changed", proofs.ErrNotCanon, func(d *proofs.SetDelta) {
			m := old.At(0)
			m.Weight = 9
			d.Removed, d.Upserted = []proofs.NodeKey{m.Node}, []proofs.Validator{m}
		}},
		{"everybody leaves", proofs.ErrTooLarge, func(d *proofs.SetDelta) {
			d.Removed, d.Upserted = nil, nil
			for _, m := range old.Members() {
				d.Removed = append(d.Removed, m.Node)
			}
		}},
		{"too many members", proofs.ErrTooLarge, func(d *proofs.SetDelta) {
			d.Upserted = make([]proofs.Validator, proofs.MaxValidators+1)
		}},
		{"weight gone", proofs.ErrWeight, func(d *proofs.SetDelta) { d.Upserted[0].Weight = 0 }},
		{"key of another member", proofs.ErrNotCanon, func(d *proofs.SetDelta) { d.Upserted[0].Key = d.Upserted[1].Key }},
		{"possession of another member", proofs.ErrPossession, func(d *proofs.SetDelta) {
			d.Upserted[0].Possession = d.Upserted[1].Possession
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := old.Delta(next)
			_, err := old.Apply(&d)
			ok(t, err)
			c.change(&d)
			before := old.Hash()
			_, err = old.Apply(&d)
			if !errors.Is(err, c.want) || old.Hash() != before {
				t.Fatalf("got %v, want %v and the old set unchanged", err, c.want)
			}
		})
	}
}
