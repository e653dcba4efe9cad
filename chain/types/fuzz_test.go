package types_test

import (
	"bytes"
	"testing"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/chain/types/internal/typestest"
	"github.com/isthmus-network/isthmus/proofs"
)

// FuzzDecode: what decodes as any wire type encodes to the same bytes, and what
// can be asked of the value does not panic. The first byte chooses the type.
func FuzzDecode(f *testing.F) {
	for i, file := range []string{"external.json", "batch.json", "car.json", "car_vote.json", "car_certificate.json", "cut.json", "act.json"} {
		for _, r := range load(f, file) {
			f.Add(append([]byte{byte(i)}, unhex(f, r.Wire)...))
		}
	}
	finalized := types.Quorum{Kind: proofs.TypeFinalize, View: 2, Aggregate: proofs.Aggregate{Bitmap: []byte{7}}}
	proposal := types.Proposal{
		View: 3, ParentView: 2, Block: types.Block{Header: proofs.Header{Height: 1}, Cut: types.NewCut(2)}, Parent: &finalized,
		Nullifications: []types.Quorum{{Kind: proofs.TypeNullify, View: 1}}, Finalization: &finalized,
		Available: []types.CarCertificate{{Epoch: 1, Tip: types.Tip{Lane: 1, Height: 2}}},
	}
	vote := types.Vote{Kind: proofs.TypeNotarize, View: 3, Voter: 1, Executed: 4}
	for i, m := range []message{&proposal, &vote, &finalized} {
		f.Add(append([]byte{byte(7 + i)}, m.MarshalCanoto()...))
	}
	for _, r := range load(f, "ready.json") {
		f.Add(append([]byte{10}, unhex(f, r.Wire)...))
	}
	set := typestest.NewCommittee(1, 1, 1).Set
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) == 0 {
			return
		}
		m := []message{
			new(types.External), new(types.Batch), new(types.Car), new(types.CarVote), new(types.CarCertificate), new(types.Cut),
			new(types.CertifiedAct), new(types.Proposal), new(types.Vote), new(types.Quorum),
			new(types.Ready),
		}[int(in[0])%11]
		if proofs.Decode(m, in[1:], 1<<20) != nil {
			return
		}
		if out := m.MarshalCanoto(); !bytes.Equal(out, in[1:]) {
			t.Fatalf("%T: %x encodes to %x", m, in[1:], out)
		}
		ask(m, set)
	})
}

// ask calls every check of the value.
func ask(m message, set *proofs.ValidatorSet) {
	network := typestest.Network
	switch v := m.(type) {
	case *types.External:
		_ = v.Validate(network)
		_ = v.VerifySignature()
		types.VerifyExternals([]*types.External{v, v})
	case *types.Batch:
		v.Digest(network)
	case *types.Car:
		_ = v.Verify(network, set.At(0).Node)
	case *types.CarVote:
		_ = v.Verify(network, set.At(0).Node)
	case *types.CarCertificate:
		_ = v.Verify(network, set)
	case *types.Cut:
		v.Root(network, 1)
		_ = v.Extends(v, len(v.Tips))
	case *types.CertifiedAct:
		_ = v.Verify(set, 2, 3)
	case *types.Ready:
		_ = v.Verify(network)
	case *types.Quorum:
		statement := v.Vote(set.Hash())
		_ = v.Aggregate.Verify(set, statement.SigningBytes(network), 2, 3)
	}
}
