package types_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/canoto"
	"github.com/isthmus-network/isthmus/proofs"
)

type row struct {
	Desc, Network, Epoch string
	Members              []string
	Num, Den             uint32
	Layout, Hash, ID     string
	Wire, WantErr        string
}

func load(t testing.TB, name string) (rows []row) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&rows); err != nil || len(rows) == 0 {
		t.Fatalf("%s: %d rows, %v", name, len(rows), err)
	}
	return rows
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (r *row) network(t testing.TB) proofs.NetworkID {
	return proofs.NetworkID(unhex(t, r.Network))
}

func (r *row) set(t testing.TB) *proofs.ValidatorSet {
	t.Helper()
	members := make([]proofs.Validator, len(r.Members))
	for i, m := range r.Members {
		if err := proofs.Decode(&members[i], unhex(t, m), 1<<10); err != nil {
			t.Fatal(err)
		}
	}
	set, err := proofs.NewValidatorSet(members)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// message is what every wire type has.
type message interface {
	UnmarshalCanotoFrom(canoto.Reader) (canoto.UnmarshalResult, error)
	MarshalCanoto() []byte
}

// vectors are the checks of each file: what decodes into message has the hash,
// and gives the error, that check returns.
var vectors = map[string]func() (message, func(t *testing.T, r *row) (proofs.Hash, error)){
	"external.json": func() (message, func(t *testing.T, r *row) (proofs.Hash, error)) {
		x := new(types.External)
		return x, func(t *testing.T, r *row) (proofs.Hash, error) {
			if id := x.ID(); hex.EncodeToString(id[:]) != r.ID {
				t.Errorf("got id %x, want %s", id, r.ID)
			}
			err := x.Validate(r.network(t))
			if err == nil {
				err = x.VerifySignature()
			}
			if valid := types.VerifyExternals([]*types.External{x}); valid[0] != (x.VerifySignature() == nil) {
				t.Error("single and batch verdicts differ")
			}
			return x.Body(), err
		}
	},
	"batch.json": func() (message, func(t *testing.T, r *row) (proofs.Hash, error)) {
		b := new(types.Batch)
		return b, func(t *testing.T, r *row) (proofs.Hash, error) { return b.Digest(r.network(t)), nil }
	},
	"car.json": func() (message, func(t *testing.T, r *row) (proofs.Hash, error)) {
		c := new(types.Car)
		return c, func(t *testing.T, r *row) (proofs.Hash, error) {
			return c.Digest(r.network(t)), c.Verify(r.network(t), r.set(t).At(int(c.Lane)).Node)
		}
	},
	"car_vote.json": func() (message, func(t *testing.T, r *row) (proofs.Hash, error)) {
		v := new(types.CarVote)
		return v, func(t *testing.T, r *row) (proofs.Hash, error) {
			return sha256.Sum256(unhex(t, r.Layout)), v.Verify(r.network(t), r.set(t).At(int(v.Voter)).Node)
		}
	},
	"car_certificate.json": func() (message, func(t *testing.T, r *row) (proofs.Hash, error)) {
		c := new(types.CarCertificate)
		return c, func(t *testing.T, r *row) (proofs.Hash, error) {
			return sha256.Sum256(unhex(t, r.Layout)), c.Verify(r.network(t), r.set(t))
		}
	},
	"cut.json": func() (message, func(t *testing.T, r *row) (proofs.Hash, error)) {
		c := new(types.Cut)
		return c, func(t *testing.T, r *row) (proofs.Hash, error) {
			epoch, err := strconv.ParseUint(r.Epoch, 10, 64)
			return c.Root(r.network(t), epoch), err
		}
	},
	"act.json": func() (message, func(t *testing.T, r *row) (proofs.Hash, error)) {
		a := new(types.CertifiedAct)
		return a, func(t *testing.T, r *row) (proofs.Hash, error) { return a.Act.ID(), a.Verify(r.set(t), r.Num, r.Den) }
	},
	"ready.json": func() (message, func(t *testing.T, r *row) (proofs.Hash, error)) {
		v := new(types.Ready)
		return v, func(t *testing.T, r *row) (proofs.Hash, error) {
			return sha256.Sum256(unhex(t, r.Layout)), v.Verify(r.network(t))
		}
	},
}

func TestVectors(t *testing.T) {
	for name, open := range vectors {
		for _, r := range load(t, name) {
			t.Run(name+"/"+r.Desc, func(t *testing.T) {
				m, check := open()
				if err := proofs.Decode(m, unhex(t, r.Wire), types.MaxBatchBytes); err != nil {
					t.Fatal(err)
				}
				if hex.EncodeToString(m.MarshalCanoto()) != r.Wire {
					t.Errorf("encodes to %x, want %s", m.MarshalCanoto(), r.Wire)
				}
				hash, err := check(t, &r)
				if hex.EncodeToString(hash[:]) != r.Hash || sha256.Sum256(unhex(t, r.Layout)) != hash {
					t.Errorf("got hash %x, want %s", hash, r.Hash)
				}
				if r.WantErr == "" && err != nil || r.WantErr != "" && !errors.Is(err, proofs.Error(r.WantErr)) {
					t.Errorf("got error %v, want %q", err, r.WantErr)
				}
			})
		}
	}
}
