package api

import (
	"encoding/hex"
	"fmt"

	v1 "github.com/isthmus-network/isthmus/chain/api/isthmus/v1"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// What the servers answer: Go values into the schema.

func hexOf(h [32]byte) string { return hex.EncodeToString(h[:]) }

func parametersToWire(p *proofs.Parameters) *v1.Parameters {
	return &v1.Parameters{
		Name: p.Name, Symbol: p.Symbol, Decimals: uint32(p.Decimals),
		EpochMs: p.EpochDuration, TrustPeriodMs: p.TrustPeriod, MaxClockDriftMs: p.MaxClockDrift,
		HeartbeatMs: p.Heartbeat, ViewTimeoutMs: p.ViewTimeout, MaxLag: p.MaxLag,
		ExpiryWindowS: p.ExpiryWindow, MessageLifetimeMs: p.MessageLifetime,
		BlockMessages: p.BlockMessages, BlockGas: p.BlockGas,
		BaseFee: p.BaseFee, ByteFee: p.ByteFee, GasPrice: p.GasPrice,
		LinkWindow: p.LinkWindow, MaxPayload: p.MaxPayload,
		GovernanceNumerator: p.ThresholdNum, GovernanceDenominator: p.ThresholdDen,
	}
}

func infoToWire(i *Info) *v1.InfoResponse {
	return &v1.InfoResponse{
		Network: i.Network.String(), Parameters: parametersToWire(&i.Parameters), Node: i.Node.String(),
		Validator: int32(i.Validator), Validators: uint32(i.Validators), Version: i.Version, Protocol: i.Protocol,
		Epoch: i.Epoch, View: i.View, Height: i.Height, Executed: i.Executed,
		Certified: i.Certified, CertifiedExecuted: i.Proved, KeyBlocks: i.KeyBlocks,
		Peers: uint32(i.Peers), StartedMs: i.Started, Listen: i.Listen,
	}
}

func statusToWire(s *Status) *v1.StatusResponse {
	return &v1.StatusResponse{Id: hexOf(s.ID), Stage: v1.Stage(s.Stage), Height: s.Height, Code: uint32(s.Code), Outcome: s.Code.String()}
}

func accountToWire(a *Account) *v1.AccountResponse {
	w := &v1.AccountResponse{Account: a.Account.String(), More: a.More, Executed: a.Executed}
	for i, b := range a.Balances {
		if i == MaxBalances {
			w.More = true
			break
		}
		w.Balances = append(w.Balances, &v1.Balance{Asset: b.Asset.String(), Amount: b.Amount.String()})
	}
	return w
}

func stepsToWire(steps []Step) []*v1.Step {
	w := make([]*v1.Step, 0, len(steps))
	for i := range steps[:min(len(steps), MaxSteps)] {
		s := &steps[i]
		w = append(w, &v1.Step{
			Name: s.Name, TimeMs: s.Time, Height: s.Height, Detail: printable(s.Detail, maxText),
			Proof: &v1.ProofHint{Kind: v1.ProofKind(s.Proof.Kind), Height: s.Proof.Height, Index: s.Proof.Index},
		})
	}
	return w
}

func traceToWire(t *Trace) *v1.TraceResponse {
	w := &v1.TraceResponse{
		Network: t.Network.String(), Id: hexOf(t.ID), Code: uint32(t.Code), Outcome: t.Code.String(), Done: t.Done,
		Steps: stepsToWire(t.Steps),
	}
	for i := range t.Emitted[:min(len(t.Emitted), MaxSteps)] {
		e := &t.Emitted[i]
		w.Emitted = append(w.Emitted, &v1.Emitted{
			Destination: e.Ref.Destination.String(), Incarnation: e.Ref.Incarnation, Index: e.Ref.Index, Id: hexOf(e.Ref.ID),
			Steps: stepsToWire(e.Steps),
		})
	}
	return w
}

func headerToWire(ch *proofs.CertifiedHeader) *v1.HeaderResponse {
	h := &ch.Header
	return &v1.HeaderResponse{
		CertifiedHeader: ch.MarshalCanoto(), Height: h.Height, TimeMs: h.Time, Epoch: h.Epoch, Executed: h.Executed,
		Id: hexOf(h.ID()), StateRoot: hexOf(h.StateRoot),
	}
}

// keyBlocksToWire stops at what an answer may hold, but not before the first.
func keyBlocksToWire(blocks []proofs.KeyBlock, limit int) *v1.KeyBlocksResponse {
	w, size := &v1.KeyBlocksResponse{}, 0
	for i := range blocks[:min(len(blocks), limit)] {
		b := blocks[i].MarshalCanoto()
		if size += len(b); i > 0 && size > maxAnswer {
			break
		}
		w.KeyBlocks = append(w.KeyBlocks, b)
		w.Heights = append(w.Heights, blocks[i].Header.Height)
	}
	return w
}

func proofToWire(p *StateProof) (*v1.ProveResponse, error) {
	w := &v1.ProveResponse{CertifiedHeader: p.Header.MarshalCanoto(), Executed: p.Header.Header.Executed}
	for i := range p.Entries {
		e := &p.Entries[i]
		proof, err := e.Proof.AppendBinary(nil)
		if err != nil {
			return nil, fmt.Errorf("%w: key %q: %w", ErrInternal, e.Key, err)
		}
		w.Entries = append(w.Entries, &v1.ProvedEntry{Key: e.Key, Value: e.Value, Present: e.Present, Proof: proof})
	}
	return w, nil
}

func hashesToWire(hs []proofs.Hash) [][]byte {
	w := make([][]byte, len(hs))
	for i := range hs {
		w[i] = hs[i][:]
	}
	return w
}

func receiptsToWire(p *ReceiptPage) (w *v1.ReceiptsResponse, size int) {
	w = &v1.ReceiptsResponse{
		CertifiedHeader: p.Header.MarshalCanoto(), Size: p.Size(), From: p.From,
		Left: hashesToWire(p.Left), Right: hashesToWire(p.Right),
	}
	for i := range p.Receipts {
		b := p.Receipts[i].MarshalCanoto()
		size += len(b)
		w.Receipts = append(w.Receipts, b)
	}
	return w, size
}

func sliceToWire(s *proofs.Slice) *v1.SliceResponse {
	return &v1.SliceResponse{
		Slice: s.MarshalCanoto(), Start: s.Start, Messages: uint32(len(s.Messages)),
		Begin: s.Proof.Head.Begin, End: s.Proof.Head.End,
	}
}

func linkToWire(l *Link) *v1.Link {
	return &v1.Link{
		Peer: l.Peer.String(), Name: printable(l.Name, maxName), Symbol: printable(l.Symbol, maxName), Decimals: uint32(l.Decimals),
		State: l.State, Reason: printable(l.Reason, maxText), Incarnation: l.Incarnation,
		Epoch: l.Epoch, KeyHeight: l.KeyHeight, HeaderTimeMs: l.HeaderTime, TrustExpiryMs: l.TrustExpiry,
		OutBegin: l.OutBegin, OutEnd: l.OutEnd, OutAcked: l.OutAcked, OutSettled: l.OutSettled,
		InAcked: l.InAcked, InSettled: l.InSettled, Outcomes: l.Outcomes,
		OldestPendingMs: l.OldestPending, FollowerError: printable(l.FollowerError, maxText), Addresses: uint32(l.Addresses),
	}
}

func eventToWire(e *Event) *v1.WatchResponse {
	return &v1.WatchResponse{Kind: v1.EventKind(e.Kind), Height: e.Height, TimeMs: e.Time, Items: uint32(e.Items)}
}

func actToWire(a *ActState) *v1.Act {
	w := &v1.Act{
		Id: hexOf(a.ID), Act: a.Act.MarshalCanoto(), Kind: v1.ActKind(a.Act.Kind), Peer: a.Act.Peer.String(),
		Sequence: a.Act.Sequence, ExpiryMs: a.Act.Expiry, State: a.State,
		Weight: a.Weight, Total: a.Total, Code: uint32(a.Code),
	}
	for i := range a.Approvals {
		w.Approvals = append(w.Approvals, &v1.Approval{Node: a.Approvals[i].Node.String(), Weight: a.Approvals[i].Weight})
	}
	return w
}

func proposalToWire(a *types.Act) *v1.ProposeRequest {
	w := &v1.ProposeRequest{
		Kind: v1.ActKind(a.Kind), Peer: a.Peer.String(), NetworkKind: a.NetworkKind,
		Window: a.Window, GasRate: a.GasRate, TrustPeriodMs: a.TrustPeriod, ExpiryMs: a.Expiry,
	}
	if a.Validator != nil {
		w.Validator = a.Validator.MarshalCanoto()
	}
	return w
}
