package proofs_test

import (
	"encoding/hex"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
)

type evidenceRow struct{ Desc, Kind, Zero, Reader, Now, Wire, WantErr string }

func TestEvidenceVectors(t *testing.T) {
	for _, row := range load[evidenceRow](t, "evidence.json") {
		t.Run(row.Kind+"/"+row.Desc, func(t *testing.T) {
			v, wire, err := row.verify(t)
			wantKind(t, err, row.WantErr)
			if wire != row.Wire {
				t.Error("encodes to other bytes")
			}
			if err == nil && v.Network() != trustOfID(t, row.Zero) {
				t.Errorf("convicts %s", v.Network())
			}
		})
	}
}

func trustOfID(t testing.TB, zero string) proofs.NetworkID {
	trust := trustOf(t, zero)
	return trust.Network
}

// verify judges the row's evidence, and encodes it again.
func (row *evidenceRow) verify(t *testing.T) (*proofs.VerifiedEvidence, string, error) {
	t.Helper()
	trust, now, wire := trustOf(t, row.Zero), number(t, row.Now), unhex(t, row.Wire)
	if row.Kind == "equivocation" {
		var e proofs.Equivocation
		ok(t, proofs.Decode(&e, wire, 1<<16))
		v, err := proofs.VerifyEquivocation(&e, &trust, &trust, now)
		return v, hex.EncodeToString(e.MarshalCanoto()), err
	}
	var d proofs.Divergence
	ok(t, proofs.Decode(&d, wire, 1<<16))
	v, err := proofs.VerifyDivergence(&d, hash32(t, row.Reader), &trust, &trust, now)
	return v, hex.EncodeToString(d.MarshalCanoto()), err
}

// TestEveryByteOfEvidence: changed evidence convicts nobody, or nobody else.
func TestEveryByteOfEvidence(t *testing.T) {
	for _, row := range load[evidenceRow](t, "evidence.json") {
		if row.WantErr != "" || row.Kind != "equivocation" {
			continue
		}
		trust, now, wire := trustOf(t, row.Zero), number(t, row.Now), unhex(t, row.Wire)
		for i := range wire {
			wire[i] ^= 1
			var e proofs.Equivocation
			if proofs.Decode(&e, wire, 1<<16) == nil {
				if _, err := proofs.VerifyEquivocation(&e, &trust, &trust, now); err == nil {
					t.Errorf("byte %d changed: still evidence", i)
				}
			}
			wire[i] ^= 1
		}
	}
}
