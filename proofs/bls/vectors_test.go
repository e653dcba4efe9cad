package bls_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/bls/internal/vectors"
)

// kinds maps the names in vector files to error kinds; "" is acceptance.
var kinds = map[string]error{
	"":                nil,
	"ErrLength":       bls.ErrLength,
	"ErrNonCanonical": bls.ErrNonCanonical,
	"ErrInfinity":     bls.ErrInfinity,
	"ErrNotOnCurve":   bls.ErrNotOnCurve,
	"ErrSubgroup":     bls.ErrSubgroup,
	"ErrSignature":    bls.ErrSignature,
	"ErrEmpty":        bls.ErrEmpty,
}

// wantKind fails the test unless err is of the named kind.
func wantKind(t *testing.T, err error, name string) {
	t.Helper()
	want, known := kinds[name]
	if !known {
		t.Fatalf("unknown kind %q", name)
	}
	if want == nil && err != nil || !errors.Is(err, want) {
		t.Fatalf("got error %v, want %q", err, name)
	}
}

func load[T any](t testing.TB, name string) (rows []T) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&rows); err != nil || len(rows) == 0 {
		t.Fatalf("%s: %d rows, error %v", name, len(rows), err)
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

func TestVectorFilesAreCurrent(t *testing.T) {
	files, err := vectors.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		got, err := os.ReadFile(filepath.Join("testdata", f.Name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, f.Data) {
			t.Errorf("%s differs from what go generate writes", f.Name)
		}
	}
}

func TestParseVectors(t *testing.T) {
	parsers := map[string]func([]byte) ([]byte, error){
		"parse_public_key.json": func(b []byte) ([]byte, error) {
			pk, err := bls.ParsePublicKey(b)
			if err != nil {
				return nil, err
			}
			out := pk.Bytes()
			return out[:], nil
		},
		"parse_signature.json": func(b []byte) ([]byte, error) {
			sig, err := bls.ParseSignature(b)
			out := sig.Bytes()
			return out[:], err
		},
		"parse_vote.json": func(b []byte) ([]byte, error) {
			vote, err := bls.ParseVote(b)
			out := vote.Bytes()
			return out[:], err
		},
	}
	for name, parse := range parsers {
		for _, row := range load[vectors.Parse](t, name) {
			t.Run(name+"/"+row.Desc, func(t *testing.T) {
				in := unhex(t, row.Hex)
				out, err := parse(in)
				wantKind(t, err, row.WantErr)
				if err == nil && !bytes.Equal(in, out) {
					t.Fatalf("encodes to %x, want %x", out, in)
				}
			})
		}
	}
}

func TestSignVectors(t *testing.T) {
	for _, row := range load[vectors.Sign](t, "sign.json") {
		t.Run(row.Desc, func(t *testing.T) {
			sk, err := bls.GenerateKey(bytes.NewReader(unhex(t, row.Seed)))
			if err != nil {
				t.Fatal(err)
			}
			again, err := bls.NewSecretKey(unhex(t, row.SecretKey))
			if err != nil || !bytes.Equal(sk.Bytes(), again.Bytes()) {
				t.Fatalf("seed gives %x, want %s (error %v)", sk.Bytes(), row.SecretKey, err)
			}
			pk := sk.PublicKey().Bytes()
			vote := sk.Sign(unhex(t, row.Msg))
			proof := sk.ProvePossession([32]byte(unhex(t, row.Owner)))
			for _, c := range []struct {
				what, want string
				got        []byte
			}{
				{"public key", row.PublicKey, pk[:]},
				{"vote", row.Vote, vote[:]},
				{"possession", row.Possession, proof[:]},
			} {
				if hex.EncodeToString(c.got) != c.want {
					t.Errorf("%s: got %x, want %s", c.what, c.got, c.want)
				}
			}
			point := mustVote(t, vote)
			sig, err := bls.Aggregate([]bls.Point{point})
			if err != nil {
				t.Fatal(err)
			}
			if b := sig.Bytes(); hex.EncodeToString(b[:]) != row.Signature {
				t.Errorf("signature: got %x, want %s", b, row.Signature)
			}
			if err := bls.Verify(sk.PublicKey(), unhex(t, row.Msg), point); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPossessionVectors(t *testing.T) {
	for _, row := range load[vectors.Possession](t, "possession.json") {
		t.Run(row.Desc, func(t *testing.T) {
			pk := mustKey(t, unhex(t, row.PublicKey))
			err := bls.VerifyPossession(pk, [32]byte(unhex(t, row.Owner)), unhex(t, row.Proof))
			wantKind(t, err, row.WantErr)
			if row.WantErr != "" && !errors.Is(err, bls.ErrPossession) {
				t.Fatalf("got error %v, want ErrPossession as well", err)
			}
		})
	}
}

func TestAggregateVectors(t *testing.T) {
	for _, row := range load[vectors.Aggregate](t, "aggregate.json") {
		t.Run(row.Desc, func(t *testing.T) {
			var pks []*bls.PublicKey
			var votes []bls.Point
			for i := range row.Votes {
				pks = append(pks, mustKey(t, unhex(t, row.PublicKeys[i])))
				votes = append(votes, mustVote(t, [96]byte(unhex(t, row.Votes[i]))))
			}
			msg := unhex(t, row.Msg)
			sig, err := bls.Aggregate(votes)
			if row.Signature != "" {
				if b := sig.Bytes(); err != nil || hex.EncodeToString(b[:]) != row.Signature {
					t.Fatalf("got %x, %v, want %s", b, err, row.Signature)
				}
				err = bls.VerifyAggregate(pks, msg, sig)
			}
			wantKind(t, err, row.WantErr)
			if bad := bls.FindInvalid(pks, msg, votes); !slices.Equal(bad, row.Bad) {
				t.Fatalf("blamed %v, want %v", bad, row.Bad)
			}
		})
	}
}
