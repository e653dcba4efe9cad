package node

import (
	"bytes"
	"errors"
	"testing"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

func orderMessages() [][]byte {
	cut := types.NewCut(2)
	cut.Tips[1] = types.Tip{Lane: 1, Height: 3, Digest: proofs.Hash{5}}
	block := types.Block{Header: proofs.Header{Version: 1, Height: 4, Parent: proofs.Hash{1}}, Cut: cut}
	quorum := types.Quorum{Kind: proofs.TypeNotarize, View: 6, Header: proofs.Hash{2}, Aggregate: proofs.Aggregate{Bitmap: []byte{3}}}
	return [][]byte{
		frame(msgProposal, &types.Proposal{View: 7, ParentView: 6, Block: block, Parent: &quorum, Nullifications: []types.Quorum{quorum}}),
		frame(msgVote, &types.Vote{Kind: proofs.TypeFinalize, View: 7, Voter: 1, Header: proofs.Hash{2}, Signature: [96]byte{1}}),
		frame(msgQuorum, &quorum),
	}
}

func laneMessages() [][]byte {
	tip := types.Tip{Lane: 1, Height: 2, Digest: proofs.Hash{8}}
	return [][]byte{
		frame(msgCar, &types.Car{Epoch: 1, Lane: 1, Height: 2, Batches: []proofs.Hash{{1}, {2}}, Signature: [64]byte{3}}),
		frame(msgCarVote, &types.CarVote{Epoch: 1, Tip: tip, Voter: 3}),
		frame(msgCarCertificate, &types.CarCertificate{Epoch: 1, Tip: tip, Votes: []types.CarSignature{{Voter: 1}, {Voter: 2}}}),
	}
}

// decodes checks what holds of every input: what decodes encodes to the same
// bytes, and no other bytes mean it.
func decodes(t *testing.T, decode func([]byte) (any, error), b []byte) {
	m, err := decode(b)
	if err != nil {
		return
	}
	if again := frame(b[0], m.(marshaler)); !bytes.Equal(again, b) {
		t.Errorf("decoded %T encodes to %x, got %x", m, again, b)
	}
}

func FuzzDecodeOrder(f *testing.F) {
	for _, m := range orderMessages() {
		f.Add(m)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) { decodes(t, decodeOrder, b) })
}

func FuzzDecodeLanes(f *testing.F) {
	for _, m := range laneMessages() {
		f.Add(m)
	}
	f.Add([]byte{msgCar})
	f.Fuzz(func(t *testing.T, b []byte) { decodes(t, decodeLanes, b) })
}

func TestDecodeRefuses(t *testing.T) {
	for _, class := range []struct {
		name     string
		decode   func([]byte) (any, error)
		messages [][]byte
		limits   []int
	}{
		{"order", decodeOrder, orderMessages(), []int{types.MaxProposalBytes, types.MaxVoteBytes, types.MaxQuorumBytes}},
		{"lanes", decodeLanes, laneMessages(), []int{maxCarBytes, types.MaxVoteBytes, classLanes.MaxSize}},
	} {
		for i, m := range class.messages {
			if _, err := class.decode(m); err != nil {
				t.Fatalf("%s %d: untouched: %v", class.name, i, err)
			}
			for what, bad := range map[string][]byte{
				"cut short": m[:len(m)-1], "trailing": append(bytes.Clone(m), 0x7f), "another kind": append([]byte{0x7f}, m[1:]...),
				"kind of another class": append([]byte{msgAct}, m[1:]...), "kind alone, then nothing that is a field": {m[0], 0xff},
			} {
				if _, err := class.decode(bad); !errors.Is(err, proofs.ErrMalformed) {
					t.Errorf("%s %d, %s: got %v, want ErrMalformed", class.name, i, what, err)
				}
			}
			long := append(bytes.Clone(m), make([]byte, class.limits[i])...)
			if _, err := class.decode(long); !errors.Is(err, proofs.ErrTooLarge) {
				t.Errorf("%s %d, too long: got %v, want ErrTooLarge", class.name, i, err)
			}
		}
		if _, err := class.decode(nil); !errors.Is(err, proofs.ErrMalformed) {
			t.Errorf("%s, empty: got %v, want ErrMalformed", class.name, err)
		}
	}
}

// FuzzRequests gives every answering side any bytes: an answer within its bound or
// an error, never a panic.
func FuzzRequests(f *testing.F) {
	n, blocks := answering(f)
	f.Add((&blocksRequest{From: 1, Limit: 64}).MarshalCanoto())
	f.Add((&blocksRequest{From: 1<<64 - 1, Limit: 1<<32 - 1}).MarshalCanoto())
	f.Add((&carsRequest{Tip: types.Tip{Height: 3}, Down: 1}).MarshalCanoto())
	f.Add((&carsRequest{Tip: types.Tip{Height: 1<<64 - 1}, Down: 1<<64 - 1}).MarshalCanoto())
	f.Add(blocks[0].ID[:])
	f.Fuzz(func(t *testing.T, req []byte) {
		for name, answer := range map[string]func([]byte) ([]byte, error){
			"blocks":  func(b []byte) ([]byte, error) { return n.answerBlocks(t.Context(), [32]byte{}, b) },
			"block":   func(b []byte) ([]byte, error) { return n.answerBlock(t.Context(), [32]byte{}, b) },
			"cars":    func(b []byte) ([]byte, error) { return n.answerCars(t.Context(), [32]byte{}, b) },
			"batches": func(b []byte) ([]byte, error) { return n.answerBatch(t.Context(), [32]byte{}, b) },
		} {
			if b, err := answer(req); err == nil && len(b) > protoBlocks.MaxResponse {
				t.Errorf("%s: answer of %d bytes", name, len(b))
			}
		}
		var p approval
		_ = proofs.Decode(&p, req, types.MaxActBytes)
		_, _ = n.batchDigest(req)
	})
}
